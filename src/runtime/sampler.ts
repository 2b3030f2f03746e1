// Which of many equal events get a line in a log, so that callers who proved nothing cannot fill it. A key's window
// begins with its first event, lasts until its time is over, and the next event begins another one. Keys are a fixed
// set.
import type { Clock } from "./clock.ts";

/** Chooses the events that are logged, for each key on its own. */
export interface Sampler {
  /**
   * Returns how many events of this key were left out since the last one that was not; undefined for an event that is
   * left out itself.
   */
  take(key: string): number | undefined;
}

/** The field of a log line with the number that take() returned; none for zero. */
export function sampledFields(omitted: number): { readonly omitted?: number } {
  return omitted > 0 ? { omitted } : {};
}

interface SamplingWindow {
  readonly since: number;
  taken: number;
  omitted: number;
}

/** Creates a sampler that takes the first `most` events of a key in each window of `windowMs`. */
export function createSampler(
  { clock }: { readonly clock: Pick<Clock, "now"> },
  { most = 10, windowMs = 60_000 }: { readonly most?: number; readonly windowMs?: number } = {},
): Sampler {
  const windows = new Map<string, SamplingWindow>();
  return {
    take(key) {
      const now = clock.now();
      let window = windows.get(key);
      const elapsedMs = now - (window?.since ?? Number.NEGATIVE_INFINITY);
      // A clock that was set back begins a window as well.
      if (window === undefined || elapsedMs < 0 || elapsedMs >= windowMs) {
        window = { since: now, taken: 0, omitted: window?.omitted ?? 0 };
        windows.set(key, window);
      }
      if (window.taken >= most) {
        window.omitted += 1;
        return undefined;
      }
      window.taken += 1;
      const { omitted } = window;
      window.omitted = 0;
      return omitted;
    },
  };
}
