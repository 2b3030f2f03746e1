// Converts a PodEvent to a core/v1 Event, which `kubectl describe pod` and `kubectl events` show.
// (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/)

import { randomBytes } from "node:crypto";
import { formatSeconds } from "../runtime/clock.ts";
import type { PodEvent } from "./api.ts";
import type { ObjectMeta } from "./objects.ts";

/** The API server refuses longer messages (core/v1 validation, 1 kB). */
const MAX_EVENT_MESSAGE_LENGTH = 1024;
/** Names have at most 253 characters; the suffix takes 17 of them. */
const MAX_EVENT_STEM_LENGTH = 236;

/** Returns the Event object to create, dated `now` (Unix milliseconds) and reported by `component`. */
export function toCoreEvent(
  event: PodEvent,
  component: string,
  now: number,
): { readonly metadata: ObjectMeta } & Record<string, unknown> {
  const { namespace, pod, type, reason, message } = event;
  const at = formatSeconds(now);
  return {
    apiVersion: "v1",
    kind: "Event",
    // A name generated here instead of generateName, which would cut off the end of a long pod name.
    metadata: { name: `${pod.name.slice(0, MAX_EVENT_STEM_LENGTH)}.${randomBytes(8).toString("hex")}`, namespace },
    involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: pod.name, uid: pod.uid },
    type,
    reason,
    message: message.slice(0, MAX_EVENT_MESSAGE_LENGTH),
    source: { component },
    reportingComponent: component,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
