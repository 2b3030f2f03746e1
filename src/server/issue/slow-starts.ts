// Pods that wait for their first credentials: after 3 s without them, an Event says why, so that a start that does not
// go on is visible within 5 s. Refusals that no retry cures get their Events at once, without this.
// States of a pod: waiting, from its first request without credentials → reported, after 3 s (an Event has the last
// refusal, or says that STS has not answered) → gone: when every requested container has credentials, or ten minutes
// after the Event; or when too many wait, and it is the newest pod of the namespace with most.
import { ERRORS, type ErrorCode, type ErrorInfo } from "../../protocol/errors.ts";
import { type Clock, MINUTE_MS } from "../../runtime/clock.ts";
import { createFairQueue, type PodKey } from "../turns/fair-queue.ts";
import type { RecordRefusal } from "./events.ts";
import type { ObservedPod, ResultObserver } from "./result-observer.ts";

export interface SlowStartDeps {
  readonly clock: Clock;
  readonly recordRefusal: RecordRefusal;
  /** Reports whether the container has credentials, or has had some. */
  readonly hasHeld: (podUid: string, container: string) => boolean;
  /** Returns why calls to STS that have no answer yet wait: for their turn, or for STS. */
  readonly pendingReason: () => Extract<ErrorCode, "STS_THROTTLED" | "STS_UNAVAILABLE">;
}

/** Leaves a second for the pod's start before its first request, and one for the Event to be written. */
const START_PATIENCE_MS = 3_000;
/** A sidecar retries at least every 38 s. */
const FORGOTTEN_AFTER_MS = 10 * MINUTE_MS;
const MAX_WAITING_PODS = 5_000;

interface WaitingStart extends PodKey {
  readonly pod: ObservedPod;
  readonly containers: Set<string>;
  last?: ErrorInfo;
  isReported: boolean;
  cancel: () => void;
}

/** Creates a watch of starts without any pod. */
export function createSlowStarts({
  clock,
  recordRefusal,
  hasHeld,
  pendingReason,
}: SlowStartDeps): Pick<ResultObserver, "requested" | "issued" | "refused"> {
  const waiting = new Map<string, WaitingStart>();
  /** The same ones by namespace, for their bound alone: nothing takes its turn here. */
  const shares = createFairQueue<WaitingStart>(MAX_WAITING_PODS);

  function forget(start: WaitingStart): void {
    start.cancel();
    waiting.delete(start.uid);
    shares.delete(start);
  }

  function report(start: WaitingStart): void {
    const { pod, containers, last } = start;
    const [container = ""] = containers;
    start.isReported = true;
    start.cancel = clock.schedule(() => forget(start), FORGOTTEN_AFTER_MS);
    recordRefusal(pod, last ?? notAnswered(pod, container, pendingReason()), { isWaiting: true });
  }

  return {
    requested(pod, containers) {
      const missing = containers.filter((container) => !hasHeld(pod.uid, container));
      if (missing.length === 0 || waiting.has(pod.uid)) return;
      const { namespace, uid } = pod;
      const own = { namespace, uid, pod, containers: new Set(missing) };
      const start: WaitingStart = { ...own, isReported: false, cancel: () => {} };
      start.cancel = clock.schedule(() => report(start), START_PATIENCE_MS);
      waiting.set(uid, start);
      const surplus = shares.push(start);
      if (surplus) forget(surplus);
    },
    issued({ uid }, container) {
      const start = waiting.get(uid);
      if (!start?.containers.delete(container) || start.containers.size > 0) return;
      forget(start);
    },
    refused({ uid }, container, { code, message }) {
      const start = waiting.get(uid);
      if (start === undefined || (container !== undefined && !start.containers.has(container))) return;
      start.last = { code, message };
      if (start.isReported && ERRORS[code].retry) recordRefusal(start.pod, start.last, { isWaiting: true });
    },
  };
}

function notAnswered(
  { namespace, name }: ObservedPod,
  container: string,
  code: ReturnType<SlowStartDeps["pendingReason"]>,
): ErrorInfo {
  const what = `Cannot issue credentials to container "${container}" of pod "${namespace}/${name}" yet`;
  const state =
    code === "STS_THROTTLED"
      ? "calls to STS wait for their turn, because the server's rate is used up"
      : "STS has not answered";
  return { code, message: `${what}: ${state} for ${START_PATIENCE_MS / 1000} s; expected an answer at once` };
}
