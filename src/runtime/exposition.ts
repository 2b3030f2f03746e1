// What /metrics of every program returns, so that many requests for it cost no more than a few.
import type { Clock } from "./clock.ts";

/** For how long the same text is returned, in milliseconds. */
const REUSE_MS = 250;

/** Returns a function that calls `expose` at most once in 250 ms, and returns its last result meanwhile. */
export function reuseExposition<Text>(clock: Clock, expose: () => Text): () => Text {
  let last: { readonly text: Text } | undefined;
  return () => {
    if (last === undefined) {
      last = { text: expose() };
      clock.schedule(() => {
        last = undefined;
      }, REUSE_MS);
    }
    return last.text;
  };
}
