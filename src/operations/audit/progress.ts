// What a person sees while gigabytes are read, and afterwards what was read: what was passed over is said, never hidden.
import type { Clock } from "../../runtime/clock.ts";
import { visible } from "../../cli/output/visible.ts";

export interface Progress {
  /** Bytes as they were read, before decompression. */
  bytes(count: number): void;
  line(wasOurs: boolean): void;
  tooLong(): void;
  startOf(name: string): void;
  /** One line for each log that was read. */
  summary(): string;
}

const SAY_EACH_MS = 1_000;

interface Counts {
  readonly name: string;
  bytes: number;
  lines: number;
  ours: number;
  tooLong: number;
}

export function createProgress({
  clock,
  say,
}: {
  readonly clock: Clock;
  readonly say: (text: string) => void;
}): Progress {
  const logs: Counts[] = [];
  let saidAt = clock.now();
  const current = () => logs.at(-1) as Counts;
  return {
    startOf: (name) => void logs.push({ name: visible(name), bytes: 0, lines: 0, ours: 0, tooLong: 0 }),
    bytes(count) {
      current().bytes += count;
      if (clock.now() - saidAt < SAY_EACH_MS) return;
      saidAt = clock.now();
      const { name, bytes, lines } = current();
      say(`podrole audit: reading ${name}: ${(bytes / 1e6).toFixed(0)} MB, ${lines} lines\n`);
    },
    line(wasOurs) {
      current().lines += 1;
      if (wasOurs) current().ours += 1;
    },
    tooLong: () => void (current().tooLong += 1),
    summary: () =>
      logs
        .map(({ name, lines, ours, tooLong }) => {
          const skipped = tooLong === 0 ? "" : `, ${tooLong} too long to be a record`;
          return `podrole audit: ${name}: ${ours} records, ${lines - ours} other lines${skipped}\n`;
        })
        .join(""),
  };
}
