// Counts what is read of each log, and reports progress while gigabytes are read.
import type { Clock } from "../../../runtime/clock.ts";

/** What was read of one log. Skipped lines are counted, so that none is ignored silently. */
export interface LogCounts {
  readonly name: string;
  /** Before decompression. */
  readonly bytes: number;
  readonly lines: number;
  /** Of the lines, those that are records. */
  readonly records: number;
  /** The time of the oldest record of each kind in podrole's own logs, in Unix milliseconds. */
  readonly oldest: Readonly<Record<string, number>>;
  /** Lines that were skipped because they are longer than any record. */
  readonly tooLong: number;
}

/** Counts while logs are read, one after the other. */
export interface ReadProgress {
  /** Begins a log; the other calls are about the log that began last. */
  start(name: string): void;
  /** Bytes before decompression. */
  bytes(count: number): void;
  line(isRecord: boolean): void;
  /** Notes the time of a record of this kind. */
  recordAt(kind: string, at: number): void;
  tooLong(): void;
  counts(): readonly LogCounts[];
}

const REPORT_INTERVAL_MS = 1_000;

/** `report` receives the counts of the current log, at most once a second. */
export function createReadProgress({
  clock,
  report,
}: {
  readonly clock: Clock;
  readonly report: (counts: LogCounts) => void;
}): ReadProgress {
  const logs: { -readonly [Key in keyof LogCounts]: LogCounts[Key] }[] = [];
  let reportedAt = clock.now();
  const current = () => logs.at(-1) as (typeof logs)[number];
  return {
    start: (name) => void logs.push({ name, bytes: 0, lines: 0, records: 0, oldest: {}, tooLong: 0 }),
    bytes(count) {
      current().bytes += count;
      if (clock.now() - reportedAt < REPORT_INTERVAL_MS) return;
      reportedAt = clock.now();
      report({ ...current() });
    },
    line(isRecord) {
      current().lines += 1;
      if (isRecord) current().records += 1;
    },
    recordAt(kind, at) {
      const { oldest } = current();
      if (at < (oldest[kind] ?? Infinity)) current().oldest = { ...oldest, [kind]: at };
    },
    tooLong: () => void (current().tooLong += 1),
    counts: () => logs,
  };
}
