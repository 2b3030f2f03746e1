// Caches session credentials in memory, one entry per AssumeRole input. States of an entry:
//   fetching  no credentials yet; each pod that requests the entry waits, in its own turn, for the call that serves all
//   fresh     less than 44 % of the lifetime have passed: returned as they are
//   ageing    44 % have passed: the next request renews them and waits; if that fails, they are returned while valid
//   failed    the last call failed: its error is repeated for a time (failure-memory.ts), unless valid credentials are
//             left. STS_THROTTLED is not repeated: the limiter may have refused one pod whose share is used up, so it
//             decides anew
// An entry counts towards `capacity` once STS has been called for it: a pod may request any number of calls that the
// limiter refuses, and they must not evict the sessions of other pods. Times are counted from the request, on the
// server's own two clocks (due.ts); from the clock of STS comes only the lifetime. Ended by: sweep(), each minute, at
// the expiry or after the last pod that requested the entry is gone; above `capacity`, the least recently requested one
// of the namespace with most, so that no namespace evicts the sessions of others.
import { createHash } from "node:crypto";
import { MAX_WATCH_LAG_MS } from "../../kubernetes/reflector.ts";
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { type PodroleError, toPodroleError } from "../../protocol/errors.ts";
import { canonicalJson } from "../../runtime/canonical-json.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, laterBy, untilDueMs } from "../../runtime/due.ts";
import { createSharedLru } from "../../runtime/shared-lru.ts";
import type { PodKey } from "../turns/fair-queue.ts";
import { createFailureMemory, type FailureMemory } from "./failure-memory.ts";
import { createSettledKeys, type LivingPods } from "./settled-keys.ts";
import type { SessionCredentials } from "./sts.ts";
import type { AssumeRoleFor } from "./sts-limiter.ts";

export interface CredentialCacheOptions {
  /** Most entries with a session or a failure of STS. */
  readonly capacity: number;
}

/** The pod that requests a session. */
export interface RequestingPod extends PodKey {
  /** Differs between pods, and after a change to the pod or to a setting of its namespace that may cure a refusal. */
  readonly circumstances: string;
}

/** How a request was answered: value of the metric's label. */
export type CacheOutcome = "hit" | "miss" | "renewed" | "stale" | "failed";

/** `remainingMs`: milliseconds until the credentials expire, whatever the clocks of STS and of this server show. */
export interface CachedAnswer {
  readonly credentials: SessionCredentials;
  readonly remainingMs: number;
  readonly outcome: CacheOutcome;
}

export interface CredentialCache {
  /**
   * Resolves with credentials that have 56 % of their lifetime left, or, if renewal fails, with older valid ones.
   * Rejects with PodroleError if there are none.
   */
  get(input: AssumeRoleInput, requestingPod: RequestingPod): Promise<CachedAnswer>;
  /** Fetches what the pod is about to request; resolves when that has ended, with or without success. */
  prefetch(input: AssumeRoleInput, requestingPod: RequestingPod): Promise<void>;
  /** Number of entries with a session or a failure of STS. */
  readonly size: number;
  /**
   * Milliseconds until the first session expires; negative if it has and its renewal fails; Infinity without sessions.
   */
  nearestExpiryMs(): number;
  /**
   * Evicts expired entries and those whose pods are all gone. To be called about once a minute. Only requests renew,
   * and only live pods may request, so the entry of a deleted pod is never renewed.
   */
  sweep(living: LivingPods): void;
}

/** A session, and when it expires. */
interface HeldSession {
  readonly credentials: SessionCredentials;
  readonly expiry: DueTime;
}

interface SessionEntry {
  session?: HeldSession;
  /** Circumstances → the request that waits in them. */
  readonly inFlight: Map<string, Promise<HeldSession>>;
  readonly failure: FailureMemory;
  /**
   * The last error that was remembered while requests are in flight. Those that were answered together get the same
   * one.
   */
  lastError?: PodroleError;
  /** Time of the last request, in milliseconds of `Clock.elapsedMs()`. */
  requestedAt: number;
  /** Uids of the pods that requested this entry and were alive at the last sweep. */
  readonly holders: Set<string>;
  /** What the holders were compared with since the last request. */
  comparedWith: LivingPods | undefined;
}

/**
 * Fraction of the lifetime. Sidecars renew when 45 to 55 % have passed, and count from when they sent their request: a
 * sidecar that gets the same credentials must renew again soon, which costs a process and a call for nothing.
 */
const AGEING_FROM = 0.44;

/** A sidecar treats credentials as expired in their last 5 s; one more second covers the reply's travel. */
const SESSION_EXPIRY_MARGIN_MS = 6_000;

/** Creates an empty cache in front of `assumeRole`. */
export function createCredentialCache(
  { clock, assumeRole }: { readonly clock: Clock; readonly assumeRole: AssumeRoleFor },
  { capacity }: CredentialCacheOptions,
): CredentialCache {
  /** By the namespace that requested the last call. */
  const entries = createSharedLru<SessionEntry>({ capacity });
  /** The entries with requests in flight: no more than the limiter lets wait. */
  const requested = new Map<string, SessionEntry>();
  /** The keys of the entries that each sweep looks at: the others are settled. */
  const unsettled = new Set<string>();
  const settled = createSettledKeys();

  /** Callers request a session again and again with the same input. */
  const keys = new WeakMap<AssumeRoleInput, string>();
  function keyOf(input: AssumeRoleInput): string {
    const key = keys.get(input) ?? sessionKey(input);
    keys.set(input, key);
    return key;
  }

  const newEntry = (): SessionEntry => ({
    inFlight: new Map(),
    failure: createFailureMemory({ clock }),
    requestedAt: 0,
    holders: new Set(),
    comparedWith: undefined,
  });

  function entryOf(key: string, podUid: string): SessionEntry {
    const known = entries.get(key);
    if (known) unsettled.add(key);
    const entry = known ?? requested.get(key) ?? newEntry();
    entry.requestedAt = clock.elapsedMs();
    entry.holders.add(podUid);
    entry.comparedWith = undefined;
    return entry;
  }

  /**
   * Requests the session on behalf of the pod, or joins a request of the same pod. The limiter makes one call for all
   * requests that wait at the same time; it has its own deadline, so no single caller can cancel it.
   */
  function fetch(entry: SessionEntry, key: string, input: AssumeRoleInput, pod: RequestingPod): Promise<HeldSession> {
    const joined = entry.inFlight.get(pod.circumstances);
    if (joined) return joined;
    const requestedAt = dueAfter(clock, 0);
    const request = assumeRole(input, pod, key)
      .then(
        (credentials) => {
          store(key, entry, pod);
          return hold(entry, credentials, requestedAt);
        },
        (thrown: unknown) => {
          const error = toPodroleError(thrown);
          if (error !== entry.lastError) entry.failure.remember(error, entry.inFlight.keys());
          entry.lastError = error;
          if (error.code !== "STS_THROTTLED") store(key, entry, pod);
          throw error;
        },
      )
      .finally(() => {
        entry.inFlight.delete(pod.circumstances);
        if (entry.inFlight.size > 0) return;
        delete entry.lastError;
        requested.delete(key);
      });
    entry.inFlight.set(pod.circumstances, request);
    requested.set(key, entry);
    return request;
  }

  function store(key: string, entry: SessionEntry, { namespace }: PodKey): void {
    entries.set(key, entry, namespace);
    unsettled.add(key);
  }

  /** Keeps a session. The first of several requests that were answered together began before the call did. */
  function hold(entry: SessionEntry, credentials: SessionCredentials, requestedAt: DueTime): HeldSession {
    if (entry.session?.credentials === credentials) return entry.session;
    const held = { credentials, expiry: laterBy(requestedAt, lifetimeMs(credentials)) };
    entry.session = held;
    entry.failure.forget();
    return held;
  }

  async function get(input: AssumeRoleInput, requestingPod: RequestingPod): Promise<CachedAnswer> {
    const key = keyOf(input);
    const entry = entryOf(key, requestingPod.uid);
    const cached = entry.session;
    if (cached && remainingMs(cached) > (1 - AGEING_FROM) * lifetimeMs(cached.credentials))
      return answer(cached, "hit");
    try {
      const failure = entry.failure.recall(requestingPod.circumstances);
      if (failure && failure.code !== "STS_THROTTLED") throw failure;
      return answer(await fetch(entry, key, input, requestingPod), cached ? "renewed" : "miss");
    } catch (error) {
      if (cached && remainingMs(cached) > SESSION_EXPIRY_MARGIN_MS) return answer(cached, "stale");
      throw error;
    }
  }

  const remainingMs = ({ expiry }: HeldSession) => untilDueMs(clock, expiry);

  function answer(held: HeldSession, outcome: CacheOutcome): CachedAnswer {
    return { credentials: held.credentials, remainingMs: remainingMs(held), outcome };
  }

  return {
    get,
    async prefetch(input, requestingPod) {
      try {
        await get(input, requestingPod);
      } catch {
        // The entry stores the error; the next request reports it.
      }
    },
    get size() {
      return entries.size;
    },
    nearestExpiryMs() {
      let nearest = Number.POSITIVE_INFINITY;
      for (const [, { session, failure }] of entries.entries()) {
        // An expired session whose renewal does not fail is not needed any more, and waits for the next sweep.
        if (session && (remainingMs(session) > 0 || failure.isInUse()))
          nearest = Math.min(nearest, remainingMs(session));
      }
      return nearest;
    },
    sweep(living) {
      // The sweep takes no time on either clock.
      const [wallMs, elapsedMs] = [clock.now(), clock.elapsedMs()];
      const atSweep = { now: () => wallMs, elapsedMs: () => elapsedMs };
      const due = settled.takeDue(living, atSweep);
      for (const key of due === undefined ? [...entries.keys()] : [...unsettled, ...due]) {
        const entry = entries.peek(key);
        const isSettled = entry === undefined || look(key, entry);
        if (isSettled) unsettled.delete(key);
        else unsettled.add(key);
      }

      /** Evicts the entry if it is over; returns whether the next sweep may leave it out. */
      function look(key: string, entry: SessionEntry): boolean {
        const { session, inFlight, failure, requestedAt, holders } = entry;
        if (inFlight.size > 0) return false;
        const isValid = session !== undefined && !isDue(atSweep, session.expiry);
        if (!isValid && !failure.isInUse()) entries.delete(key);
        if (entry.comparedWith !== living) {
          if (elapsedMs - requestedAt < MAX_WATCH_LAG_MS) return false;
          for (const uid of holders) if (!living.has(uid)) holders.delete(uid);
          if (holders.size === 0) entries.delete(key);
          entry.comparedWith = living;
        }
        if (isValid) settled.add(key, session.expiry, atSweep);
        return isValid;
      }
    },
  };
}

/** SDKs refresh up to 15 minutes before expiry, so half of this should be left when credentials are returned. */
function lifetimeMs({ issuedAtMs, expiresAtMs }: SessionCredentials): number {
  return expiresAtMs - issuedAtMs;
}

/**
 * The whole input: whatever a new field is and however deep, two inputs that differ in it never share a session. Pods
 * with equal inputs do, since STS could not tell them apart, unless one of them chose the session's name (onlyForUid).
 * Hashed, because annotations make an input several KiB long.
 */
function sessionKey({ onlyForUid, ...sent }: AssumeRoleInput): string {
  return createHash("sha256")
    .update(canonicalJson([onlyForUid, sent]))
    .digest("base64");
}
