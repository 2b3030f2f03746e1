// Session credentials in memory, one entry for each AssumeRole input: two pods share a session only if STS could not
// tell them apart. An entry's states:
//   fetching  no credentials yet; everybody who asks waits for the one call in flight
//   fresh     less than half of the life has passed: handed out as they are
//   ageing    half has passed: the next who asks starts the one renewal and waits for it; if it fails, what is still
//             valid is handed out
//   failed    the last call failed: that answer is repeated for a short time, unless something valid is left
// Nothing is renewed unless a pod asks, and who asks was found alive: a gone pod's entry is never renewed.
// Who ends an entry: expiry, or the end of the last pod that asked for it (both swept each minute); above `capacity`, the
// entry that nobody asked for longest goes.
// The call runs for everyone who waits on it, on its own deadline, so no single caller's cancellation reaches it.
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { ERRORS, type PodroleError, toPodroleError } from "../../protocol/errors.ts";
import { backoff, type Clock } from "../../runtime/clock.ts";
import type { AssumeRole, SessionCredentials } from "./sts.ts";

export interface CredentialCacheOptions {
  readonly capacity: number;
  /** How long a refusal by STS is repeated without asking again. */
  readonly refusalMs: number;
}

/** How an answer came about: label of the cache metric. */
export type CacheOutcome = "hit" | "miss" | "renewed" | "stale" | "failed";

export interface CredentialCache {
  /** Credentials with half of their life left if they can be had, else valid ones, else throws PodroleError. */
  get(
    input: AssumeRoleInput,
    podUid: string,
  ): Promise<{ readonly credentials: SessionCredentials; readonly outcome: CacheOutcome }>;
  /** Starts fetching what will be asked for; never throws. */
  prefetch(input: AssumeRoleInput, podUid: string): void;
  readonly size: number;
  /** Milliseconds until the first entry that is still in use expires; Infinity when there is none. */
  nearestExpiryMs(): number;
  /** Drops what has expired and what no living pod has asked for. The owner calls it about each minute. */
  sweep(lives: (podUid: string) => boolean): void;
}

interface Entry {
  credentials?: SessionCredentials;
  inFlight?: Promise<SessionCredentials>;
  failure?: { readonly error: PodroleError; readonly until: number };
  failures: number;
  askedAt: number;
  /** Uids of the pods that asked and were alive at the last sweep. */
  readonly holders: Set<string>;
}

/** A pod that is younger than this may be unknown to a watch that lags. */
const GRACE_MS = 60_000;

/** A sidecar takes credentials in their last 5 s for expired, and a second goes by on the way. */
const LAST_MS = 6_000;

export function createCredentialCache(
  { clock, assumeRole }: { readonly clock: Clock; readonly assumeRole: AssumeRole },
  { capacity, refusalMs }: CredentialCacheOptions,
): CredentialCache {
  // Insertion order is use order: get() moves its entry to the end, so the first one is the one to drop.
  const entries = new Map<string, Entry>();

  function entryOf(key: string, podUid: string): Entry {
    const entry = entries.get(key) ?? { failures: 0, askedAt: 0, holders: new Set() };
    entry.askedAt = clock.now();
    entry.holders.add(podUid);
    entries.delete(key);
    entries.set(key, entry);
    if (entries.size > capacity) {
      const idle = entries.keys().next();
      if (!idle.done) entries.delete(idle.value);
    }
    return entry;
  }

  function fetch(entry: Entry, input: AssumeRoleInput): Promise<SessionCredentials> {
    entry.inFlight ??= assumeRole(input)
      .then(
        (credentials) => {
          entry.credentials = credentials;
          entry.failures = 0;
          delete entry.failure;
          return credentials;
        },
        (thrown: unknown) => {
          const error = toPodroleError(thrown);
          const waitMs = ERRORS[error.code].retry ? backoff(entry.failures++, 1_000, 30_000) : refusalMs;
          entry.failure = { error, until: clock.now() + (error.retryAfterMs ?? waitMs) };
          throw error;
        },
      )
      .finally(() => {
        delete entry.inFlight;
      });
    return entry.inFlight;
  }

  async function get(input: AssumeRoleInput, podUid: string) {
    const entry = entryOf(keyOf(input), podUid);
    const held = entry.credentials;
    if (held && clock.now() < halfLife(held)) return { credentials: held, outcome: "hit" } as const;
    try {
      if (entry.failure && clock.now() < entry.failure.until) throw entry.failure.error;
      const credentials = await fetch(entry, input);
      return { credentials, outcome: held ? "renewed" : "miss" } as const;
    } catch (error) {
      if (held && clock.now() < held.expiresAt - LAST_MS) return { credentials: held, outcome: "stale" } as const;
      throw error;
    }
  }

  return {
    get,
    prefetch(input, podUid) {
      get(input, podUid).catch(() => {
        // The failure is remembered in the entry; whoever asks next is told.
      });
    },
    get size() {
      return entries.size;
    },
    nearestExpiryMs() {
      const now = clock.now();
      let nearest = Number.POSITIVE_INFINITY;
      for (const { credentials } of entries.values()) {
        if (credentials && credentials.expiresAt > now) nearest = Math.min(nearest, credentials.expiresAt - now);
      }
      return nearest;
    },
    sweep(lives) {
      const now = clock.now();
      for (const [key, { credentials, inFlight, failure, askedAt, holders }] of entries) {
        if (inFlight) continue;
        const valid = credentials !== undefined && credentials.expiresAt > now;
        if (!valid && !(failure && failure.until > now)) entries.delete(key);
        if (now - askedAt < GRACE_MS) continue;
        for (const uid of holders) if (!lives(uid)) holders.delete(uid);
        if (holders.size === 0) entries.delete(key);
      }
    },
  };
}

/** SDKs refresh up to 15 minutes early, so what is handed out should have half of its life before it. */
function halfLife({ issuedAt, expiresAt }: SessionCredentials): number {
  return issuedAt + (expiresAt - issuedAt) / 2;
}

/** The whole input, fields in a fixed order: assumeRoleInput() builds the object the same way each time. */
function keyOf(input: AssumeRoleInput): string {
  return JSON.stringify(input, Object.keys(input).sort().concat("key", "value"));
}
