// Runs a task in several rounds and reports the median of the rounds.
import { quantile } from "../quantile.ts";
import type { Figure } from "./figures.ts";

/** One row of the table. Latencies in milliseconds. */
export interface LatencyRow {
  readonly what: string;
  readonly p50: number;
  readonly p99: number;
  readonly perSecond: number;
}

export interface Load {
  readonly what: string;
  /** Calls in each round; an additional first round is not counted. */
  readonly calls: number;
  /** Concurrent callers, each of which waits for an answer before its next call. */
  readonly callers: number;
  readonly rounds?: number;
}

export async function measureRounds(
  { what, calls, callers, rounds = 3 }: Load,
  task: () => Promise<unknown> | undefined,
): Promise<LatencyRow> {
  const results: Omit<LatencyRow, "what">[] = [];
  for (let round = 0; round <= rounds; round++) results.push(await oneRound(calls, callers, task));
  const counted = results.slice(1);
  return {
    what,
    p50: median(counted.map(({ p50 }) => p50)),
    p99: median(counted.map(({ p99 }) => p99)),
    perSecond: Math.round(median(counted.map(({ perSecond }) => perSecond))),
  };
}

/** Returns what two runs are compared by. The slowest calls of a short run say little. */
export function latencyFigures(rows: readonly LatencyRow[]): readonly Figure[] {
  return rows.flatMap(({ what, p50, perSecond }): readonly Figure[] => [
    { what: `${what}: median`, value: p50, unit: "ms", better: "lower" },
    { what: `${what}: calls`, value: perSecond, unit: "per second", better: "higher" },
  ]);
}

async function oneRound(calls: number, callers: number, task: () => Promise<unknown> | undefined) {
  const latencies: number[] = [];
  let started = 0;
  const from = performance.now();
  async function caller(): Promise<void> {
    while (started++ < calls) {
      const at = performance.now();
      const answer = task();
      if (answer) await answer;
      latencies.push(performance.now() - at);
    }
  }
  await Promise.all(Array.from({ length: callers }, caller));
  const perSecond = (calls / (performance.now() - from)) * 1000;
  return { p50: microseconds(quantile(latencies, 0.5)), p99: microseconds(quantile(latencies, 0.99)), perSecond };
}

function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** Rounds milliseconds to whole microseconds. */
function microseconds(ms: number): number {
  return Math.round(ms * 1000) / 1000;
}
