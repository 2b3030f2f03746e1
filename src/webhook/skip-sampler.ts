// Which records of skipped pods are written for callers that have not proved that they are the API server: anyone who
// reaches the port can cause such a record with every request. A window of a minute begins with its first record; the
// next record after it begins another. Memory: at most MAX_SKIP_RECORDS namespaces.
import type { Clock } from "../runtime/clock.ts";
import type { Sampler } from "../runtime/sampler.ts";

const SKIP_WINDOW_MS = 60_000;
/** For each namespace and window. */
const MAX_NAMESPACE_SKIP_RECORDS = 10;
/** For all namespaces of a window together, because a caller may name any number of namespaces. */
const MAX_SKIP_RECORDS = 100;

/** Creates a sampler whose keys are namespaces; its number counts the records left out of all of them. */
export function createSkipSampler({ clock }: { readonly clock: Pick<Clock, "now"> }): Sampler {
  const taken = new Map<string, number>();
  let since = Number.NEGATIVE_INFINITY;
  let total = 0;
  let omitted = 0;
  return {
    take(namespace) {
      const elapsedMs = clock.now() - since;
      // A clock that was set back begins a window as well.
      if (elapsedMs < 0 || elapsedMs >= SKIP_WINDOW_MS) {
        since = clock.now();
        total = 0;
        taken.clear();
      }
      const ofNamespace = taken.get(namespace) ?? 0;
      if (total >= MAX_SKIP_RECORDS || ofNamespace >= MAX_NAMESPACE_SKIP_RECORDS) {
        omitted += 1;
        return undefined;
      }
      taken.set(namespace, ofNamespace + 1);
      total += 1;
      const leftOut = omitted;
      omitted = 0;
      return leftOut;
    },
  };
}
