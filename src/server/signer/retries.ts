// Items that are due at a time, in the order of their times. An item lives from add() until take(), which skips the
// ones that were given another time meanwhile, or none. There is no timer.
import { type Clocks, type DueTime, isDue, untilDueMs } from "../../runtime/due.ts";

/** An item that is tried again. */
export interface Retried {
  /** Undefined: it is no longer tried. */
  readonly retryAt: DueTime | undefined;
}

/** Items by the time when they are due. */
export interface Retries<Item extends Retried> {
  /** Adds an item at its `retryAt`. */
  add(item: Item): void;
  /** Removes and returns the first item that is due; undefined if none is. */
  take(): Item | undefined;
  /** Returns the milliseconds until the first one is due; Infinity without one. */
  untilNextMs(): number;
}

/** Creates an empty list. */
export function createRetries<Item extends Retried>({ clock }: { readonly clock: Clocks }): Retries<Item> {
  const entries: { readonly at: DueTime; readonly item: Item }[] = [];

  /** Removes entries at the front whose item has another time by now, or none; returns the next entry. */
  function first(): { readonly at: DueTime; readonly item: Item } | undefined {
    while (entries[0] && entries[0].item.retryAt !== entries[0].at) entries.shift();
    return entries[0];
  }

  return {
    add(item) {
      const at = item.retryAt;
      if (at === undefined) return;
      const before = entries.findLastIndex((entry) => entry.at.elapsedMs <= at.elapsedMs);
      entries.splice(before + 1, 0, { at, item });
    },
    take() {
      const entry = first();
      return entry && isDue(clock, entry.at) ? entries.shift()?.item : undefined;
    },
    untilNextMs() {
      const entry = first();
      return entry ? Math.max(0, untilDueMs(clock, entry.at)) : Number.POSITIVE_INFINITY;
    },
  };
}
