// The log of a program: JSON lines by pino, or readable text. Audit lines have a logger of their own, because a
// person who sets --level=error must not lose the record of who got which role.
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import { type LogLevel, NEVER_PRINTED } from "./line-log.ts";

export type Log = Pick<Logger, "debug" | "info" | "warn" | "error" | "child">;

const REDACT = {
  paths: NEVER_PRINTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  censor: "[secret]",
};

/** `destination` takes one JSON line a write; a text form is a destination that formats (see `main.ts` of the cli). */
export function createLog(program: string, level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    { level, base: { program }, redact: REDACT, timestamp: stdTimeFunctions.isoTime, messageKey: "message" },
    destination,
  );
}

/** Writes one audit record. `audit` names its kind: "admission", "certificate" or "credentials". */
export type Audit = (record: { readonly audit: string } & Readonly<Record<string, unknown>>) => void;

export function createAudit(program: string, destination: DestinationStream): Audit {
  const log = pino(
    { level: "info", base: { program }, redact: REDACT, timestamp: stdTimeFunctions.isoTime },
    destination,
  );
  return (record) => log.info(record);
}
