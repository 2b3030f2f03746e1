// Writes the same log lines as log.ts without loading pino, for a process in which every megabyte counts. Fields with
// the names of secrets are never printed. A line that cannot be written as JSON is written without its fields.
import type { Log } from "./log.ts";

/** Levels of every log, from the most verbose to the least. */
export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
/** One of these levels. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** Pino's numbers, so that one query reads the lines of all podrole programs. */
const LEVEL_NUMBERS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

/**
 * Second net below the Secret type, for both logs: fields with these names are never printed, whatever object carries
 * them by mistake.
 */
export const NEVER_PRINTED: readonly string[] = [
  "token",
  "secretAccessKey",
  "sessionToken",
  "privateKey",
  "authorization",
];

type Fields = Readonly<Record<string, unknown>>;

/** Where lines go, and their time. */
export interface LineLogDeps {
  /** Receives one JSON line at a time, including its line feed. */
  readonly write: (line: string) => unknown;
  /** Unix time in milliseconds. */
  readonly now: () => number;
}

/** The program's name in each line, and the least level that is written. */
export interface LineLogOptions {
  readonly program: string;
  readonly level: LogLevel;
}

/** Creates a log without pino. Lines below `level` are dropped. */
export function createLineLog({ write, now }: LineLogDeps, { program, level }: LineLogOptions): Log {
  const lowest = LEVEL_NUMBERS[level];

  function withFields(fixed: Fields): Log {
    function writer(name: LogLevel): (first: unknown, message?: string) => void {
      const number = LEVEL_NUMBERS[name];
      if (number < lowest) return () => {};
      return (first, message) => {
        const fields = typeof first === "string" ? {} : first instanceof Error ? { err: first } : (first as Fields);
        const text = typeof first === "string" ? first : message;
        const head = { level: number, time: new Date(now()).toISOString(), ...fixed };
        write(`${encodeLine({ ...head, ...fields, message: text }, { ...head, message: text })}\n`);
      };
    }
    const log = {
      debug: writer("debug"),
      info: writer("info"),
      warn: writer("warn"),
      error: writer("error"),
      child: (more: Fields) => withFields({ ...fixed, ...more }),
    };
    return log as unknown as Log;
  }

  return withFields({ program });
}

/** JSON.stringify throws on circular structures and bigints. */
function encodeLine(line: Fields, withoutFields: Fields): string {
  try {
    return JSON.stringify(line, toPrintable);
  } catch {
    return JSON.stringify(withoutFields);
  }
}

/** For JSON.stringify(): leaves out what is never printed, and writes errors with their causes. */
export function toPrintable(key: string, value: unknown): unknown {
  if (NEVER_PRINTED.includes(key)) return "[secret]";
  if (!(value instanceof Error)) return value;
  const { name: type, message, stack, cause } = value;
  return { type, message, stack, ...("code" in value && { code: value.code }), ...(cause !== undefined && { cause }) };
}
