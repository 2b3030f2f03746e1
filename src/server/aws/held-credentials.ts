// The server's own credentials, held until they expire. The SDK requests new ones in their last five minutes, and lets
// every call fail if it gets none, although the old ones are still valid.
// States: none → held (a search has found some) → renewed in the background (the SDK requests some, and those that are
// held are still valid: it gets them) → held, or none, once they are about to expire: callers then wait for a search.
import type { Clock } from "../../runtime/clock.ts";

/** What every source of credentials has in common. */
export interface ExpiringCredentials {
  /** Absent: they do not expire. */
  readonly expiration?: Date | undefined;
}

/** A request that is signed with them now must still be valid on arrival. */
const OWN_EXPIRY_MARGIN_MS = 10_000;
/** Between searches in the background: each costs a request, or a process. */
const SEARCH_INTERVAL_MS = 5_000;

/** Returns `find` with what it has found before in place of a search, as long as that is valid. */
export function holdCredentials<Args extends readonly unknown[], Found extends ExpiringCredentials>(
  { clock }: { readonly clock: Clock },
  find: (...args: Args) => Promise<Found>,
): (...args: Args) => Promise<Found> {
  let held: Found | undefined;
  let isSearching = false;
  let searchedAt = Number.NEGATIVE_INFINITY;

  async function search(args: Args): Promise<Found> {
    const found = await find(...args);
    held = found;
    return found;
  }

  function searchInBackground(args: Args): void {
    if (isSearching || clock.elapsedMs() - searchedAt < SEARCH_INTERVAL_MS) return;
    isSearching = true;
    searchedAt = clock.elapsedMs();
    search(args)
      // The held ones serve; once they are about to expire, a caller gets the error.
      .catch(() => {})
      .finally(() => {
        isSearching = false;
      });
  }

  return async (...args) => {
    const { expiration } = held ?? {};
    if (held === undefined || expiration === undefined || expiration.getTime() - clock.now() <= OWN_EXPIRY_MARGIN_MS)
      return search(args);
    searchInBackground(args);
    return held;
  };
}
