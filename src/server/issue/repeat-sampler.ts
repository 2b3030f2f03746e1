// Which audit lines of a proven pod are written: a pod may make the same call again and again, and 128 lines for each
// call would fill in seconds what a kubelet keeps of a log. So a line that repeats an earlier one in everything that
// matters (its key) is written once a minute, with the number of those left out.
// A window of a key begins with a line and ends a minute later, or when MAX_REPEATED_LINES other keys were used since:
// then its next line is written, without a number.
import type { Clock } from "../../runtime/clock.ts";
import { createLru } from "../../runtime/lru.ts";
import type { Sampler } from "../../runtime/sampler.ts";

const REPEAT_WINDOW_MS = 60_000;
/** All containers of 64 pods of the largest size; about 2 MiB. */
const MAX_REPEATED_LINES = 8_192;

/** Creates a sampler that takes one event of each key a minute. */
export function createRepeatSampler({ clock }: { readonly clock: Pick<Clock, "now"> }): Sampler {
  const windows = createLru<{ readonly since: number; omitted: number }>(MAX_REPEATED_LINES);
  return {
    take(key) {
      const now = clock.now();
      const window = windows.get(key);
      const elapsedMs = now - (window?.since ?? Number.NEGATIVE_INFINITY);
      // A clock that was set back begins a window as well.
      if (window !== undefined && elapsedMs >= 0 && elapsedMs < REPEAT_WINDOW_MS) {
        window.omitted += 1;
        return undefined;
      }
      windows.set(key, { since: now, omitted: 0 });
      return window?.omitted ?? 0;
    },
  };
}
