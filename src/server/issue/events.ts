// Records refusals as Events on the pod: about half of the AWS SDKs hide the reason for missing credentials;
// `kubectl describe pod` shows it. Limits, so that an outage cannot fill etcd:
//   per pod and code   the same message once in ten minutes, and at most three different messages in that time, because
//                      some of STS's messages contain the time
//   all pods together  50 Events at once, then 5 a second
// States of an Event: waiting, if too many were written before it → written, in its turn: namespaces take turns, and
// within a namespace its pods, so that no namespace leaves the others without Events; or dropped, when too many wait
// and it is the newest of the pod with most, in the namespace with most: then the pod's next refusal records it.
// Recent messages are forgotten after ten minutes, whenever the next Event is considered. One timer runs while Events
// wait.
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { PodIdentity } from "../../pki/identity.ts";
import { ERRORS, type ErrorInfo, withRemedy } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { createTokenBucket } from "../../runtime/token-bucket.ts";
import { createFairQueue, type PodKey } from "../turns/fair-queue.ts";

const REPEAT_EVENT_AFTER_MS = 10 * 60_000;
const MAX_MESSAGES = 3;
const EVENT_BURST = 50;
const EVENT_SPACING_MS = 200;
/** What is written in a minute: an Event that is older may report what is over. */
const MAX_WAITING_EVENTS = 300;
/** The API server refuses longer messages (core/v1 validation, 1 kB). */
const MAX_EVENT_MESSAGE_BYTES = 1024;

/** Messages recorded for one pod and code; from `until` on, they may be recorded again. */
interface RecentEvent {
  readonly until: DueTime;
  readonly messages: Set<string>;
}

/** An Event that waits for its turn. */
interface WaitingEvent extends PodKey {
  readonly write: () => void;
  /** Forgets that it was to be recorded. */
  readonly drop: () => void;
}

export interface EventRecorderDeps {
  readonly kubernetes: Pick<Kubernetes, "recordEvent">;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each Event that the API server accepted. */
  readonly onRecorded: (refusal: ErrorInfo) => void;
}

/**
 * Records a refusal on a pod, with its remedy, in the background; never throws. `isWaiting`: the pod waits for its
 * first credentials because of it.
 */
export type RecordRefusal = (
  pod: Pick<PodIdentity, "namespace" | "name" | "uid">,
  refusal: ErrorInfo,
  options?: { readonly isWaiting?: boolean },
) => void;

/**
 * Creates the recorder. Retryable errors of podrole itself make no Event, except that the server cannot use STS, and
 * those for which a pod waits.
 */
export function createRefusalRecorder({ kubernetes, clock, log, onRecorded }: EventRecorderDeps): RecordRefusal {
  // Insertion order is the order of `until`, because an entry is inserted when it is created.
  const recent = new Map<string, RecentEvent>();
  const bucket = createTokenBucket({ clock }, { burst: EVENT_BURST, spacingMs: EVENT_SPACING_MS });
  const queue = createFairQueue<WaitingEvent>(MAX_WAITING_EVENTS);

  /** Remembers a message that is to be recorded; undefined if it is not. Returns what forgets it again. */
  function remember(key: string, message: string): (() => void) | undefined {
    for (const [earlier, { until }] of recent) {
      if (!isDue(clock, until)) break;
      recent.delete(earlier);
    }
    const messages = recent.get(key)?.messages ?? new Set();
    if (messages.has(message) || messages.size >= MAX_MESSAGES) return undefined;
    messages.add(message);
    if (messages.size === 1) recent.set(key, { until: dueAfter(clock, REPEAT_EVENT_AFTER_MS), messages });
    return () => {
      messages.delete(message);
      if (messages.size === 0) recent.delete(key);
    };
  }

  function writeNext(): void {
    while (queue.size > 0 && bucket.take()) queue.take()?.write();
    if (queue.size > 0) clock.schedule(writeNext, Math.ceil(bucket.waitMs()));
  }

  function takeTurn(event: WaitingEvent): void {
    const isFirst = queue.size === 0;
    queue.push(event)?.drop();
    // Otherwise the timer runs.
    if (isFirst) writeNext();
  }

  function write(namespace: string, pod: { readonly name: string; readonly uid: string }, refusal: ErrorInfo): void {
    const { code, message } = refusal;
    // The code is the Event's reason already.
    const prefix = `${code}: `;
    const text = withRemedy({ code, message }, MAX_EVENT_MESSAGE_BYTES + prefix.length).slice(prefix.length);
    kubernetes.recordEvent({ namespace, pod, type: "Warning", reason: code, message: text }).then(
      () => onRecorded({ code, message }),
      (error: unknown) => log.warn({ err: error, namespace, pod: pod.name, code }, "could not record an Event"),
    );
  }

  return ({ namespace, name, uid }, { code, message }, { isWaiting = false } = {}) => {
    if (ERRORS[code].retry && code !== "STS_UNAVAILABLE" && !isWaiting) return;
    const drop = remember(`${uid} ${code}`, message);
    if (drop) takeTurn({ namespace, uid, write: () => write(namespace, { name, uid }, { code, message }), drop });
  };
}
