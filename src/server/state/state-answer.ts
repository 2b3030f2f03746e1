// The use case of the state port: authorize the caller → bound how often it asks → record it → compose a page. A caller
// without the right gets the refusal and nothing else. What is stored of a caller (its token bucket, and until when its
// answers are recorded) is evicted when a hundred other callers have been served since.
import { overloadedError } from "../../protocol/calls-in-flight.ts";
import { type Refusal, refuse } from "../../protocol/errors.ts";
import type { ContainerHolding, RefusalRecords, StsState, TrustState } from "../../protocol/state/model.ts";
import { type Clock, MINUTE_MS } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import type { Audit } from "../../runtime/log.ts";
import { createLru } from "../../runtime/lru.ts";
import { createSampler, sampledFields } from "../../runtime/sampler.ts";
import { createTokenBucket, type TokenBucket } from "../../runtime/token-bucket.ts";
import type { KnownPod } from "../issue/known-pod.ts";
import type { RepeatSampler } from "../issue/repeat-sampler.ts";
import { isUnproven } from "../issue/verify-proof.ts";
import type { AuthorizeReader } from "./authorize-reader.ts";
import type { StateQuestion } from "./state-app.ts";
import { composeStatePage } from "./state-page.ts";

/** What the server knows. */
export interface StateSources {
  readonly knownPods: () => readonly KnownPod[];
  readonly holdingsOf: (uid: string) => readonly ContainerHolding[] | undefined;
  readonly refusals: () => RefusalRecords;
  readonly trust: () => TrustState;
  readonly sts: () => StsState;
  /** The AWS account of the server's own identity; undefined until STS has returned it. */
  readonly account: () => string | undefined;
  /** Returns what does not work, as /readyz does. */
  readonly problems: () => readonly string[];
}

export interface StateAnswerDeps {
  readonly clock: Clock;
  readonly audit: Audit;
  /** Chooses which refusals of known callers are written. */
  readonly repeats: Pick<RepeatSampler, "write">;
  readonly authorize: AuthorizeReader;
  readonly sources: StateSources;
}

/** This replica. */
export interface ReplicaIdentity {
  readonly name: string;
  readonly version: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

/** 20 000 pods are 7 pages, and a page that refreshes itself asks every 2 s. */
const CALLER_RATE = { burst: 40, spacingMs: 250 };
const MAX_STORED_READERS = 100;

/** Creates the use case. */
export function createStateAnswer(
  { clock, audit, repeats, authorize, sources }: StateAnswerDeps,
  replica: ReplicaIdentity,
): (question: StateQuestion) => Promise<string | Refusal> {
  const sampler = createSampler({ clock });
  const buckets = createLru<TokenBucket>(MAX_STORED_READERS);
  const recorded = createLru<DueTime>(MAX_STORED_READERS);

  function bucketOf(username: string): TokenBucket {
    const bucket = buckets.get(username) ?? createTokenBucket({ clock }, CALLER_RATE);
    buckets.set(username, bucket);
    return bucket;
  }

  /** One line for a caller, namespace and minute: a page that refreshes itself asks all the time. */
  function recordAnswer(user: string, { namespace, peer }: StateQuestion): void {
    const key = `${user} ${namespace ?? ""}`;
    const until = recorded.get(key);
    if (until !== undefined && !isDue(clock, until)) return;
    recorded.set(key, dueAfter(clock, MINUTE_MS));
    audit({ audit: "state", decision: "answered", user, namespace, peer });
  }

  /** Neither callers that proved nothing nor the ServiceAccounts of a namespace can fill the audit log. */
  function recordRefusal(refusal: Refusal, { namespace, peer }: StateQuestion, user: string | undefined): Refusal {
    const { code: reason, message } = refusal;
    const write = (omitted: number) =>
      audit({ audit: "state", decision: "refused", reason, message, user, namespace, peer, ...sampledFields(omitted) });
    if (isUnproven(reason)) {
      const omitted = sampler.take(reason);
      if (omitted !== undefined) write(omitted);
    } else {
      const group = callerGroup(user);
      repeats.write({ namespace: group, key: `state ${reason} ${group}` }, write);
    }
    return refusal.code === "SERVER_OVERLOADED" ? overloadedError(refusal.message) : refusal;
  }

  return async (question) => {
    const { token, namespace, after, peer } = question;
    const { username, refusal } = await authorize(token, namespace, peer);
    if (username === undefined) return recordRefusal(refusal ?? NO_CALLER, question, username);
    // Before the refusal of a known caller, which is one line in the audit log.
    if (!bucketOf(username).take()) return recordRefusal(TOO_OFTEN, question, username);
    if (refusal) return recordRefusal(refusal, question, username);
    recordAnswer(username, question);
    return composeStatePage({
      known: sources.knownPods(),
      holdingsOf: sources.holdingsOf,
      replica: { ...replica, answeredAt: new Date(clock.now()).toISOString(), ...presentParts(sources) },
      ...(namespace !== undefined && { namespace }),
      ...(after === undefined ? firstPage(sources, namespace) : { after }),
    });
  };
}

/** A user who may create ServiceAccounts has as many names as they like, all in one namespace. */
function callerGroup(user = ""): string {
  const [, namespace] = /^(system:serviceaccount:[^:]+):/.exec(user) ?? [];
  return namespace ?? user;
}

/** What of the replica's answer about itself changes. */
function presentParts({ account: known, problems }: StateSources) {
  const account = known();
  return { ...(account !== undefined && { account }), problems: problems() };
}

/** A namespace's reader sees neither the CA nor what other namespaces need of STS. */
function firstPage({ refusals, trust, sts }: StateSources, namespace: string | undefined) {
  const records = refusals();
  if (namespace === undefined) return { refusals: records, trust: trust(), sts: sts() };
  return { refusals: { ...records, rows: records.rows.filter((row) => row.namespace === namespace) } };
}

const NO_CALLER = refuse("PROOF_REJECTED", "Cannot accept the caller's token: it names no user");

const TOO_OFTEN = refuse(
  "SERVER_OVERLOADED",
  "Cannot report the state: the caller asks too often; expected at most 4 pages a second",
);
