// The signer of pod certificates (Kubernetes 1.37): finds the requests for podrole.io/pod that have no answer, and has
// them answered, a few at a time. Namespaces take turns, and within a namespace its nodes; of each node's requests in a
// namespace only some hundred are known at a time (known-requests.ts), and their rate is limited (signing-rates.ts). So
// a pod or node that makes thousands of requests delays only its own. Every replica does this; the API server accepts
// the first answer, and each replica reads a request anew before it signs.
// States of a request: known, waiting (for its turn, or for its retry) → in work → waiting again, until the watch
// reports an answer or the end of the request: then it is forgotten. A request that failed or has to wait is tried
// again after 1 s, doubling to 30 s; a request that is answered here waits for the watch. The API server deletes each
// request after some time, whatever its state. States of the signer: running → stopped (stop()).
import { setImmediate } from "node:timers/promises";
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { PodCertificateRequest } from "../../kubernetes/objects.ts";
import { startReflector } from "../../kubernetes/reflector.ts";
import { toPodroleError } from "../../protocol/errors.ts";
import { POD_SIGNER_NAME } from "../../protocol/pod-certificates.ts";
import { backoff, type Clock, MINUTE_MS, repeat, SECOND_MS } from "../../runtime/clock.ts";
import { dueAfter, passedMs } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { createSampler, sampledFields } from "../../runtime/sampler.ts";
import { createFairQueue } from "../turns/fair-queue.ts";
import { isAnswered } from "./decide-request.ts";
import type { EarlierCertificates } from "./earlier-certificates.ts";
import { type CachedRequest, createKnownRequests, type KnownRequest, MAX_KNOWN_REQUESTS } from "./known-requests.ts";
import { createRetries } from "./retries.ts";
import type { RequestPlace, SigningResult, SignRequest } from "./sign-request.ts";
import { createSigningRates } from "./signing-rates.ts";

/** A running signer. */
export interface PodCertificateSigner {
  /**
   * Known requests that have no answer, and for how many milliseconds the oldest of them has been known; 0 without one.
   */
  backlog(): { readonly waiting: number; readonly oldestMs: number };
  /** Milliseconds since the API server last confirmed the list of requests. */
  ageMs(): number;
  /** Ends the watch; requests in work finish. */
  stop(): Promise<void>;
}

/** What a signer depends on. */
export interface PodCertificateSignerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly kubernetes: Pick<Kubernetes, "source">;
  readonly sign: SignRequest;
  /** Receives the requests of the first list. */
  readonly earlier: EarlierCertificates;
  /** Called with the result of each attempt; must not throw. */
  readonly onResult: (result: SigningResult["result"]) => void;
}

/** Each holds one request and one pod, which may have 2 MiB each. */
const MAX_REQUESTS_IN_WORK = 8;
/** Retries that begin in one turn of the event loop. */
const MAX_RETRIES_PER_TURN = 500;
const SIGN_RETRY_MS = { base: SECOND_MS, cap: 30 * SECOND_MS };
/** For the watch to report an answer that was written here; then the request is looked at once more. */
const ANSWER_REPORT_MS = 10 * SECOND_MS;
const MAX_PASS_INTERVAL_MS = MINUTE_MS;
const RATE_EXCEEDED =
  "Cannot answer a PodCertificateRequest yet: its pod, or the pods of its node in its namespace, have requested too many certificates; expected one in half of a certificate's lifetime";

/** Starts the watch and the work; does not wait for the first list. */
export function startSigner({
  clock,
  log,
  kubernetes,
  sign,
  earlier,
  onResult,
}: PodCertificateSignerDeps): PodCertificateSigner {
  const stopped = new AbortController();
  const sampler = createSampler({ clock });
  /** As large as the number of known requests, so that it drops none. */
  const queue = createFairQueue<KnownRequest>(MAX_KNOWN_REQUESTS);
  const retries = createRetries<KnownRequest>({ clock });
  const rates = createSigningRates({ clock });
  const inWork = new Set<Promise<void>>();
  /** The pods with a request in work: one at a time, so that no pod takes the turns of all others. */
  const busyPods = new Set<string>();
  /** Requests whose turn came while their pod was busy, by pod. */
  const parked = new Map<string, KnownRequest[]>();

  const requests = startReflector<PodCertificateRequest, CachedRequest>(
    {
      source: kubernetes.source<PodCertificateRequest>("podcertificaterequests", {
        fieldSelector: `spec.signerName=${POD_SIGNER_NAME}`,
      }),
      clock,
      log,
    },
    {
      project(request) {
        earlier.add(request);
        return cachedRequestOf(request);
      },
      onUpdate(key) {
        if (key === undefined) earlier.end();
        known.update(key);
        passes.wake();
      },
    },
  );
  const known = createKnownRequests({
    clock,
    cached: requests,
    onKnown: (request) => queue.push(request),
    onForgotten(request) {
      queue.delete(request);
      request.retryAt = undefined;
      unpark(request.pod);
    },
  });

  function retryAfter(request: KnownRequest, ms: number): void {
    request.retryAt = dueAfter(clock, ms);
    retries.add(request);
  }

  async function work(request: KnownRequest): Promise<void> {
    const { result, waitsFor } = await sign(request.place).catch((error: unknown): SigningResult => {
      const { code, message } = toPodroleError(error);
      return { result: code, waitsFor: message };
    });
    onResult(result);
    if (waitsFor !== undefined) logDelay(request.place, result, waitsFor);
    if (!known.has(request)) return;
    const { base, cap } = SIGN_RETRY_MS;
    const retryMs = waitsFor === undefined ? ANSWER_REPORT_MS : backoff(request.attempts, base, cap);
    request.attempts = waitsFor === undefined ? 0 : request.attempts + 1;
    retryAfter(request, retryMs);
  }

  /** Reports whether the request may be tried now; if not, it waits. Retries have their own rate. */
  function isWithinRate(request: KnownRequest): boolean {
    const waitMs = request.attempts > 0 ? 0 : rates.take(request);
    if (waitMs === 0) return true;
    onResult("SERVER_OVERLOADED");
    logDelay(request.place, "SERVER_OVERLOADED", RATE_EXCEEDED);
    retryAfter(request, waitMs);
    return false;
  }

  function logDelay(place: RequestPlace, code: string, reason: string): void {
    const omitted = sampler.take(code);
    if (omitted === undefined) return;
    log.warn(
      { ...place, code, reason, ...sampledFields(omitted) },
      "a PodCertificateRequest could not be answered yet",
    );
  }

  /** Lets the pod's next request wait for a turn again, when the pod has none in work. */
  function unpark(pod: string): void {
    const others = parked.get(pod);
    if (!others || busyPods.has(pod)) return;
    let next = others.shift();
    while (next && !known.has(next)) next = others.shift();
    if (others.length === 0) parked.delete(pod);
    if (next) queue.push(next);
  }

  function begin(request: KnownRequest): void {
    const { pod } = request;
    if (busyPods.has(pod)) {
      const others = parked.get(pod) ?? [];
      others.push(request);
      parked.set(pod, others);
      return;
    }
    if (!isWithinRate(request)) return;
    busyPods.add(pod);
    const ending = work(request).finally(() => {
      inWork.delete(ending);
      busyPods.delete(pod);
      unpark(pod);
      passes.wake();
    });
    inWork.add(ending);
  }

  function enqueueDue(): void {
    for (let taken = 0; taken < MAX_RETRIES_PER_TURN; taken += 1) {
      const request = retries.take();
      if (request === undefined) return;
      request.retryAt = undefined;
      queue.push(request);
    }
  }

  /** Returns the milliseconds until there is more to do. */
  async function pass(): Promise<number> {
    const walkMs = known.step();
    enqueueDue();
    while (inWork.size < MAX_REQUESTS_IN_WORK) {
      const request = queue.take();
      if (request === undefined) break;
      begin(request);
    }
    const nextMs = Math.min(walkMs, retries.untilNextMs(), MAX_PASS_INTERVAL_MS);
    // Everything else of the server takes its turn in between.
    if (nextMs === 0) {
      await setImmediate();
      passes.wake();
    }
    return nextMs;
  }

  const passes = repeat({ clock, signal: stopped.signal }, pass);
  return {
    backlog() {
      const oldest = known.oldest();
      return { waiting: known.size, oldestMs: oldest ? passedMs(clock, oldest.since) : 0 };
    },
    ageMs: () => requests.ageMs(),
    async stop() {
      requests.stop();
      stopped.abort();
      await Promise.all([passes.ended, ...inWork]);
    },
  };
}

function cachedRequestOf(request: PodCertificateRequest): CachedRequest {
  if (isAnswered(request)) return "answered";
  const { namespace = "", name = "", uid = "" } = request.metadata;
  const { nodeName: node, podName, podUID } = request.spec;
  return { namespace, name, uid, node, pod: `${namespace}/${podName}/${podUID}/${node}` };
}
