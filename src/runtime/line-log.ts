// The sidecar's log: the same JSON lines as pino's, in thirty lines of code, because every megabyte of the sidecar is
// paid once a pod. Messages are written for it with the same care: no object that holds a secret is ever passed.
import { LOG_LEVELS, type LogLevel } from "./log-level.ts";

export type LineLog = Readonly<Record<LogLevel, (fields: Readonly<Record<string, unknown>>, message: string) => void>>;

const PINO_LEVELS: Readonly<Record<LogLevel, number>> = { debug: 20, info: 30, warn: 40, error: 50 };

export function createLineLog(
  { write, now }: { readonly write: (line: string) => void; readonly now: () => number },
  { program, level }: { readonly program: string; readonly level: LogLevel },
): LineLog {
  const writer = (own: LogLevel) => (fields: Readonly<Record<string, unknown>>, message: string) => {
    if (PINO_LEVELS[own] < PINO_LEVELS[level]) return;
    write(
      `${JSON.stringify({ level: PINO_LEVELS[own], time: new Date(now()).toISOString(), program, ...fields, message })}\n`,
    );
  };
  const [debug, info, warn, error] = LOG_LEVELS.map(writer);
  return { debug, info, warn, error } as LineLog;
}
