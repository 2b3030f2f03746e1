// A PodEvent as a core/v1 Event: what `kubectl describe pod` and `kubectl events` show.
// (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/)
import { randomBytes } from "node:crypto";
import type { PodEvent } from "./api.ts";
import type { ObjectMeta } from "./objects.ts";

/** The API server refuses longer ones (core/v1 validation, 1 kB). */
const LONGEST_MESSAGE = 1024;
/** Names end at 253; the suffix has 17. */
const LONGEST_STEM = 236;

export function toCoreEvent(
  event: PodEvent,
  component: string,
  now: number,
): { readonly metadata: ObjectMeta } & Record<string, unknown> {
  const { namespace, pod, type, reason, message } = event;
  const at = `${new Date(now).toISOString().slice(0, 19)}Z`;
  return {
    apiVersion: "v1",
    kind: "Event",
    // A name of our own instead of generateName: the ending of a long pod name would be cut off there.
    metadata: { name: `${pod.name.slice(0, LONGEST_STEM)}.${randomBytes(8).toString("hex")}`, namespace },
    involvedObject: { apiVersion: "v1", kind: "Pod", namespace, name: pod.name, uid: pod.uid },
    type,
    reason,
    message: message.slice(0, LONGEST_MESSAGE),
    source: { component },
    reportingComponent: component,
    firstTimestamp: at,
    lastTimestamp: at,
    count: 1,
  };
}
