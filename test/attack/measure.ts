// Ordinary callers beside an attack: each sends its calls at fixed times, whether or not earlier ones were answered, so
// that a program that stops answering cannot also stop the measurement.
import { setTimeout as delay } from "node:timers/promises";
import type { Cgroup } from "../cgroup.ts";
import { quantile } from "../quantile.ts";

/** A legitimate caller. */
export interface Ordinary {
  readonly name: string;
  /** Makes one call; rejects if it is not served. */
  readonly call: () => Promise<void>;
  /** Longer than this, the real caller would have given up: such a call counts as failed. Milliseconds. */
  readonly patienceMs: number;
}

/** How a caller's calls went. Milliseconds; percentiles include failed calls with the time until they failed. */
export interface Latencies {
  readonly name: string;
  readonly calls: number;
  readonly failures: number;
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  /** The first failure's text. */
  readonly failure: string;
}

const EVERY_MS = 150;

/** Lets every caller send calls for `durationMs`, and waits for the last answers. */
export async function callFor(callers: readonly Ordinary[], durationMs: number): Promise<Latencies[]> {
  return Promise.all(callers.map((caller) => callAlone(caller, durationMs)));
}

async function callAlone({ name, call, patienceMs }: Ordinary, durationMs: number): Promise<Latencies> {
  const times: number[] = [];
  const failures: string[] = [];
  const open: Promise<void>[] = [];
  async function one(): Promise<void> {
    const from = performance.now();
    const abort = new AbortController();
    const late = delay(patienceMs, undefined, { signal: abort.signal }).then(() => {
      throw new RangeError(`no answer within ${patienceMs} ms`);
    });
    try {
      await Promise.race([call(), late]);
    } catch (error) {
      failures.push(error instanceof Error ? error.message : String(error));
    } finally {
      abort.abort();
      late.catch(() => {});
      times.push(performance.now() - from);
    }
  }
  for (const end = performance.now() + durationMs; performance.now() < end; ) {
    open.push(one());
    await delay(EVERY_MS);
  }
  await Promise.all(open);
  return summarizeLatencies(name, times, failures);
}

/** Returns the percentiles of the times. */
export function summarizeLatencies(name: string, times: readonly number[], failures: readonly string[]): Latencies {
  const at = (share: number) => (times.length === 0 ? 0 : Math.round(quantile(times, share)));
  const [failure = ""] = failures;
  return { name, calls: times.length, failures: failures.length, p50: at(0.5), p90: at(0.9), p99: at(0.99), failure };
}

/** Watches a group's memory. */
export function watchMemory(group: Cgroup): { stop(): { readonly peakBytes: number; readonly cpuShare: number } } {
  const [from, began] = [group.usage().cpuMs, performance.now()];
  let peakBytes = 0;
  const look = (): void => {
    peakBytes = Math.max(peakBytes, group.usage().workingSet);
  };
  look();
  const timer = setInterval(look, 50);
  return {
    stop() {
      clearInterval(timer);
      look();
      return { peakBytes, cpuShare: (group.usage().cpuMs - from) / (performance.now() - began) };
    },
  };
}
