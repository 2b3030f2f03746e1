// The signer of pod certificates (Kubernetes 1.37): finds the requests for podrole.io/pod that have no answer, and has
// them answered, a few at a time. Namespaces take turns, and within a namespace its nodes, so that a node that makes
// thousands of requests delays its own. Every replica does this; the API server accepts the first answer, and each
// replica reads a request anew before it signs.
// States of a request: waiting (for its turn, or for its retry) → in work → waiting again, until the watch reports an
// answer or the end of the request: then it is forgotten. A request that failed or has to wait is tried again after
// 1 s, doubling to 30 s; a request that is answered here waits for the watch. The API server deletes each request after
// some time, whatever its state. States of the signer: running → stopped (stop()).
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { PodCertificateRequest } from "../../kubernetes/objects.ts";
import { startReflector } from "../../kubernetes/reflector.ts";
import { toPodroleError } from "../../protocol/errors.ts";
import { POD_SIGNER_NAME } from "../../protocol/pod-certificates.ts";
import { backoff, type Clock, MINUTE_MS, repeat, SECOND_MS } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, passedMs, untilDueMs } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { createSampler, sampledFields } from "../../runtime/sampler.ts";
import { createFairQueue, type PodKey } from "../turns/fair-queue.ts";
import { isAnswered } from "./decide-request.ts";
import type { RequestPlace, SigningResult, SignRequest } from "./sign-request.ts";

/** A running signer. */
export interface PodCertificateSigner {
  /** Requests that have no answer, and for how many milliseconds the oldest of them has been known; 0 without one. */
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
  /** Called with the result of each attempt; must not throw. */
  readonly onResult: (result: SigningResult["result"]) => void;
}

/** What is cached of a request: its author chooses how large the rest is. */
type CachedRequest = (RequestPlace & { readonly node: string }) | "answered";

/** A request that is known to have no answer. Its key for turns is its node, in place of a pod. */
interface WaitingRequest extends PodKey {
  readonly place: RequestPlace;
  readonly since: DueTime;
  /** When it is tried next; undefined while it is queued or in work. */
  retryAt: DueTime | undefined;
  attempts: number;
}

/** Each holds one request and one pod, which may have 2 MiB each. */
const MAX_REQUESTS_IN_WORK = 8;
/** A newcomer beyond this displaces the newest request of the node with most, which is tried again later. */
const MAX_QUEUED_REQUESTS = 10_000;
const SIGN_RETRY_MS = { base: SECOND_MS, cap: 30 * SECOND_MS };
/** For the watch to report an answer that was written here; then the request is looked at once more. */
const ANSWER_REPORT_MS = 10 * SECOND_MS;
const MAX_PASS_INTERVAL_MS = MINUTE_MS;

/** Starts the watch and the work; does not wait for the first list. */
export function startSigner({
  clock,
  log,
  kubernetes,
  sign,
  onResult,
}: PodCertificateSignerDeps): PodCertificateSigner {
  const stopped = new AbortController();
  const sampler = createSampler({ clock });
  const waiting = new Map<string, WaitingRequest>();
  const queue = createFairQueue<WaitingRequest>(MAX_QUEUED_REQUESTS);
  const inWork = new Set<Promise<void>>();

  const requests = startReflector<PodCertificateRequest, CachedRequest>(
    {
      source: kubernetes.source<PodCertificateRequest>("podcertificaterequests", {
        fieldSelector: `spec.signerName=${POD_SIGNER_NAME}`,
      }),
      clock,
      log,
    },
    { project: cachedRequestOf, onUpdate: () => passes.wake() },
  );

  function enqueue(request: WaitingRequest): void {
    request.retryAt = undefined;
    const dropped = queue.push(request);
    if (dropped) dropped.retryAt = dueAfter(clock, SIGN_RETRY_MS.cap);
  }

  /** Takes over what the watch has reported. */
  function update(): void {
    const open = new Set<string>();
    for (const cached of requests.list()) {
      if (cached === "answered") continue;
      open.add(cached.uid);
      if (waiting.has(cached.uid)) continue;
      const { node, ...place } = cached;
      const { namespace } = place;
      const request = { namespace, uid: node, place, since: dueAfter(clock, 0), retryAt: undefined, attempts: 0 };
      waiting.set(place.uid, request);
      enqueue(request);
    }
    for (const [uid, request] of waiting) {
      if (open.has(uid)) continue;
      waiting.delete(uid);
      queue.delete(request);
    }
  }

  async function work(request: WaitingRequest): Promise<void> {
    const { result, waitsFor } = await sign(request.place).catch((error: unknown): SigningResult => {
      const { code, message } = toPodroleError(error);
      return { result: code, waitsFor: message };
    });
    onResult(result);
    if (waitsFor === undefined) {
      request.attempts = 0;
      request.retryAt = dueAfter(clock, ANSWER_REPORT_MS);
      return;
    }
    logDelay(request.place, result, waitsFor);
    request.retryAt = dueAfter(clock, backoff(request.attempts, SIGN_RETRY_MS.base, SIGN_RETRY_MS.cap));
    request.attempts += 1;
  }

  function logDelay(place: RequestPlace, code: string, reason: string): void {
    const omitted = sampler.take(code);
    if (omitted === undefined) return;
    log.warn(
      { ...place, code, reason, ...sampledFields(omitted) },
      "a PodCertificateRequest could not be answered yet",
    );
  }

  function begin(request: WaitingRequest): void {
    const ending = work(request).finally(() => {
      inWork.delete(ending);
      passes.wake();
    });
    inWork.add(ending);
  }

  /** Returns the milliseconds until the next retry. */
  function pass(): number {
    update();
    let nextMs = MAX_PASS_INTERVAL_MS;
    for (const request of waiting.values()) {
      if (!request.retryAt) continue;
      if (isDue(clock, request.retryAt)) enqueue(request);
      else nextMs = Math.min(nextMs, untilDueMs(clock, request.retryAt));
    }
    while (inWork.size < MAX_REQUESTS_IN_WORK) {
      const request = queue.take();
      if (request === undefined) break;
      begin(request);
    }
    return nextMs;
  }

  const passes = repeat({ clock, signal: stopped.signal }, pass);
  return {
    backlog() {
      const ages = Array.from(waiting.values(), ({ since }) => passedMs(clock, since));
      return { waiting: waiting.size, oldestMs: ages.reduce((most, age) => Math.max(most, age), 0) };
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
  return { namespace, name, uid, node: request.spec.nodeName };
}
