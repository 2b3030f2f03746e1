// The log of a program: JSON lines by pino, or readable text. Audit lines have a logger of their own, so that an
// operator who sets --level=error does not lose the record of which pod got which role.
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from "pino";
import type { AuditLine } from "./audit-line.ts";
import type { Clock } from "./clock.ts";
import { type LogLevel, NEVER_PRINTED, toPrintable } from "./line-log.ts";

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

/** The time of audit lines, and where they go. */
export interface AuditLogDeps {
  readonly clock: Pick<Clock, "now">;
  readonly destination: DestinationStream;
}

/** As `log.info()` writes it: the level of every audit line. */
const AUDIT_LEVEL = 30;
const NEVER_PRINTED_KEYS = NEVER_PRINTED.map((name) => `"${name}":`);

/**
 * Creates the audit log, of which each line has the form of the log's. Its records are always written, whatever the
 * level of the log is. pino would compare every field of every line with the names that are never printed, which took
 * longer than all else about a line: here only a line that has such a name is read field by field.
 */
export function createAudit({ clock, destination }: AuditLogDeps, { program }: { readonly program: string }): Audit {
  return (line) => {
    const fields = { level: AUDIT_LEVEL, time: new Date(clock.now()).toISOString(), program, ...line };
    const text = JSON.stringify(fields);
    // In JSON a quote inside a text is escaped, so these are the names of fields alone.
    const isPrintable = !NEVER_PRINTED_KEYS.some((key) => text.includes(key));
    destination.write(`${isPrintable ? text : JSON.stringify(fields, toPrintable)}\n`);
  };
}
