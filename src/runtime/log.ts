// The log of a program: JSON lines by pino, or readable text. Audit lines have a logger of their own, so that an
// operator who sets --level=error does not lose the record of which pod got which role.
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { AuditLine } from "./audit-line.ts";
import { type LogLevel, NEVER_PRINTED } from "./line-log.ts";

/** The methods of a log that podrole uses. */
export type Log = Pick<Logger, "debug" | "info" | "warn" | "error" | "child">;

const REDACTED_PATHS = {
  paths: NEVER_PRINTED.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]),
  censor: "[secret]",
};

/**
 * Creates a log. `destination` receives one JSON line per write; readable text comes from a destination that formats
 * these lines.
 */
export function createLog(program: string, level: LogLevel, destination: DestinationStream): Logger {
  return pino(
    { level, base: { program }, redact: REDACTED_PATHS, timestamp: stdTimeFunctions.isoTime, messageKey: "message" },
    destination,
  );
}

/** Writes one line of the audit log. */
export type Audit = (line: AuditLine) => void;

/** Creates the audit log. Its records are always written, whatever the level of the log is. */
export function createAudit(program: string, destination: DestinationStream): Audit {
  const log = pino(
    { level: "info", base: { program }, redact: REDACTED_PATHS, timestamp: stdTimeFunctions.isoTime },
    destination,
  );
  return (line) => log.info(line);
}
