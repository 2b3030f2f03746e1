// One watch of a resource, from its request to its end. States: opening → open (the API server answered) → ended, by
// the API server, by silence, because a list is due, or by `stopped`.
import type { Clock } from "../runtime/clock.ts";
import { createDueTask, type DueTime, dueAfter } from "../runtime/due.ts";
import type { ListWatch, WatchEvent } from "./api.ts";
import { ApiError } from "./errors.ts";

/** What a watch needs to know before it starts. Times are milliseconds. */
export interface WatchOptions {
  /** The resourceVersion that it continues from. */
  readonly from: string;
  /** The API server ends the watch after this many seconds. */
  readonly timeoutSeconds: number;
  /** The watch ends if nothing arrives for this long. */
  readonly inactivityMs: number;
  /** When the watch ends, because a list is due. */
  readonly endAt: DueTime;
}

/** How a watch ended. */
export interface WatchEnd {
  /** "closed": by the API server, in an orderly way. */
  readonly cause: "closed" | "silent" | "due" | "stopped";
  /** True if the API server answered at all. */
  readonly hasOpened: boolean;
  readonly lastedMs: number;
}

/**
 * Follows one watch; resolves when it has ended. `onEvent` gets each event, the opening included. Rejects as the source
 * does.
 */
export async function followWatch<Item>(
  { source, clock, stopped }: { source: ListWatch<Item>; clock: Clock; stopped: AbortSignal },
  { from, timeoutSeconds, inactivityMs, endAt }: WatchOptions,
  onEvent: (event: WatchEvent<Item>) => void,
): Promise<WatchEnd> {
  const startedAt = clock.elapsedMs();
  const ended = new AbortController();
  let hasOpened = false;
  const onError = (error: unknown) => ended.abort(error);
  const silence = createDueTask({ clock, onError }, { minIntervalMs: 0 }, () => ended.abort("silent"));
  const relist = createDueTask({ clock, onError }, { minIntervalMs: 0 }, () => ended.abort("due"));
  silence.set(dueAfter(clock, inactivityMs));
  relist.set(endAt);
  const signal = AbortSignal.any([ended.signal, stopped]);
  try {
    for await (const event of source.watch({ resourceVersion: from, timeoutSeconds, signal })) {
      // Events still in buffers after the end would undo a newer list.
      if (signal.aborted) break;
      if (event.type === "OPENED") hasOpened = true;
      onEvent(event);
      silence.set(dueAfter(clock, inactivityMs));
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    silence.cancel();
    relist.cancel();
  }
  const cause = stopped.aborted ? "stopped" : ((ended.signal.reason as "silent" | "due" | undefined) ?? "closed");
  return { cause, hasOpened, lastedMs: clock.elapsedMs() - startedAt };
}

/**
 * A watch that ends within this time without an event counts as a failure: an overloaded API server or a proxy ends
 * watches like that.
 */
const SHORT_WATCH_MS = 5_000;

/**
 * Returns why the end of a watch is a failure: the API server did not answer, or ended it at once. Undefined if it is
 * not. `hasProgressed`: the watch reported a newer resourceVersion.
 */
export function findWatchError(
  name: string,
  { cause, hasOpened, lastedMs }: WatchEnd,
  { hasProgressed, inactivityMs }: { readonly hasProgressed: boolean; readonly inactivityMs: number },
): ApiError | undefined {
  if (cause === "stopped" || cause === "due") return undefined;
  if (!hasOpened) return new ApiError(0, "Silent", `Cannot watch ${name}: no response came within ${inactivityMs} ms`);
  if (cause === "closed" && !hasProgressed && lastedMs < SHORT_WATCH_MS)
    return new ApiError(0, "Short", `Cannot watch ${name}: the watch ended at once`);
  return undefined;
}
