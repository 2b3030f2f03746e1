// The log of a program: JSON lines by pino, or readable text. Audit lines have a logger of their own, because a
// person who sets --level=error must not lose the record of who got which role.
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";

export type Log = Pick<Logger, "debug" | "info" | "warn" | "error" | "child">;

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Second net below the Secret type: fields of these names never print, wherever a careless object carries them. */
const NEVER_PRINTED = ["token", "secretAccessKey", "sessionToken", "privateKey", "authorization"];

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
