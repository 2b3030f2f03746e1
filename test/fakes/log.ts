// A log that records its lines.
import type { Log } from "../../src/runtime/log.ts";
import { createLog } from "../../src/runtime/log.ts";

export interface KeptLog {
  readonly log: Log;
  readonly lines: Readonly<Record<string, unknown>>[];
}

export function createKeptLog(): KeptLog {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("test", "debug", { write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  return { log, lines };
}
