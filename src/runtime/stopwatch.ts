// A sum of times, which may be read while one of them goes on.
import type { Clock } from "./clock.ts";

/** Measures how long something has lasted in all. */
export interface Stopwatch {
  /** Has no effect while a time goes on. */
  start(): void;
  stop(): void;
  /** The sum, in milliseconds. */
  ms(): number;
}

/** Creates a stopwatch that stands at zero. */
export function createStopwatch({ clock }: { readonly clock: Pick<Clock, "elapsedMs"> }): Stopwatch {
  let sum = 0;
  let since: number | undefined;
  return {
    start() {
      since ??= clock.elapsedMs();
    },
    stop() {
      if (since !== undefined) sum += clock.elapsedMs() - since;
      since = undefined;
    },
    ms: () => sum + (since === undefined ? 0 : clock.elapsedMs() - since),
  };
}
