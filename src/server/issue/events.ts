// Records refusals as Events on the pod: about half of the AWS SDKs hide the reason for missing credentials;
// `kubectl describe pod` shows it. Limits, so that an outage cannot fill etcd:
//   per pod and code   the same message once in ten minutes, and at most three different messages in that time, because
//                      some of STS's messages contain the time
//   all pods together  50 Events at once, then 5 a second; a refusal that is left out is recorded at the pod's next one
// Recent messages are forgotten after ten minutes, whenever the next Event is considered.
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { PodIdentity } from "../../pki/identity.ts";
import { ERRORS, type ErrorInfo, withRemedy } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import type { Log } from "../../runtime/log.ts";
import { createTokenBucket } from "../../runtime/token-bucket.ts";

const REPEAT_EVENT_AFTER_MS = 10 * 60_000;
const MAX_MESSAGES = 3;
const EVENT_BURST = 50;
const EVENT_SPACING_MS = 200;
/** The API server refuses longer messages (core/v1 validation, 1 kB). */
const MAX_EVENT_MESSAGE_BYTES = 1024;

/** Messages recorded for one pod and code; from `until` on, they may be recorded again. */
interface RecentEvent {
  readonly until: DueTime;
  readonly messages: Set<string>;
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

  /** True if the message is to be recorded; counts it against both limits. */
  function admit(key: string, message: string): boolean {
    for (const [earlier, { until }] of recent) {
      if (!isDue(clock, until)) break;
      recent.delete(earlier);
    }
    const messages = recent.get(key)?.messages ?? new Set();
    if (messages.has(message) || messages.size >= MAX_MESSAGES || !bucket.take()) return false;
    messages.add(message);
    if (messages.size === 1) recent.set(key, { until: dueAfter(clock, REPEAT_EVENT_AFTER_MS), messages });
    return true;
  }

  return ({ namespace, name, uid }, { code, message }, { isWaiting = false } = {}) => {
    if (ERRORS[code].retry && code !== "STS_UNAVAILABLE" && !isWaiting) return;
    if (!admit(`${uid} ${code}`, message)) return;
    const event = { namespace, pod: { name, uid }, type: "Warning", reason: code } as const;
    // The code is the Event's reason already.
    const prefix = `${code}: `;
    const text = withRemedy({ code, message }, MAX_EVENT_MESSAGE_BYTES + prefix.length).slice(prefix.length);
    kubernetes.recordEvent({ ...event, message: text }).then(
      () => onRecorded({ code, message }),
      (error: unknown) => log.warn({ err: error, namespace, pod: name, code }, "could not record an Event"),
    );
  };
}
