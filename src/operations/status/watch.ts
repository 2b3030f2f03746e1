// Repeats the reading of podrole status. It lists again instead of watching: what containers hold changes with each
// renewal and is in no object of the cluster, so that the server has to be asked again anyway, and a row is right only
// if both answers are of one time. It waits longer where a list takes long: reading takes at most a sixth of the time.
import { sleep } from "../../runtime/clock.ts";
import type { Status } from "./model.ts";
import { readStatus, type StatusDeps, type StatusOptions } from "./status.ts";

/** Changes that matter to a reader take longer: the server reports what pods hold once a second at most. */
const MIN_PAUSE_MS = 2_000;
const PAUSE_FACTOR = 5;

/** Returns how long to wait after a reading that took `tookMs`, in milliseconds. */
export function pauseAfterReading(tookMs: number): number {
  return Math.max(MIN_PAUSE_MS, PAUSE_FACTOR * tookMs);
}

/** Calls `onStatus` with each reading after the first one, until `interrupted`. Does not throw ApiError. */
export async function watchStatus(
  deps: StatusDeps,
  options: StatusOptions,
  { interrupted, onStatus }: { readonly interrupted: AbortSignal; readonly onStatus: (status: Status) => void },
): Promise<void> {
  const { clock } = deps;
  let tookMs = 0;
  for (;;) {
    await sleep(clock, pauseAfterReading(tookMs), interrupted);
    if (interrupted.aborted) return;
    const startedAt = clock.elapsedMs();
    const result = await readStatus(deps, options);
    tookMs = clock.elapsedMs() - startedAt;
    if (result.ok && !interrupted.aborted) onStatus(result.value);
  }
}
