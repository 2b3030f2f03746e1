// Makes the core/v1 Events that `kubectl describe` and `kubectl events` show.
// (https://kubernetes.io/docs/reference/kubernetes-api/cluster-resources/event-v1/)

import { createHash, randomBytes } from "node:crypto";
import { formatSeconds } from "../runtime/clock.ts";
import type { OwnerEvent, PodEvent } from "./api.ts";
import type { ObjectMeta } from "./objects.ts";

/** The API server refuses longer messages (core/v1 validation, 1 kB). */
const MAX_EVENT_MESSAGE_LENGTH = 1024;
/** Names have at most 253 characters; the suffix takes 17 of them. */
const MAX_EVENT_STEM_LENGTH = 236;
const EVENT_SUFFIX_LENGTH = 16;

type CoreEvent = { readonly metadata: ObjectMeta } & Record<string, unknown>;

/** Returns an Event about a pod, dated `now` (Unix milliseconds) and reported by `component`; each is a new one. */
export function podEventObject(event: PodEvent, component: string, now: number): CoreEvent {
  const { namespace, pod, type, reason, message } = event;
  const about = { apiVersion: "v1", kind: "Pod", namespace, name: pod.name, uid: pod.uid };
  const suffix = randomBytes(EVENT_SUFFIX_LENGTH / 2).toString("hex");
  return eventObject({ about, type, reason, message, suffix }, component, now);
}

/** Returns an Event about an owner of pods. Its name follows from owner and reason, so replicas create one Event. */
export function ownerEventObject(event: OwnerEvent, component: string, now: number): CoreEvent {
  const { namespace, owner, reason, message } = event;
  const { apiVersion, kind, name, uid } = owner;
  const suffix = createHash("sha256").update(`${uid} ${reason}`).digest("hex").slice(0, EVENT_SUFFIX_LENGTH);
  const about = { apiVersion, kind, namespace, name, uid };
  return eventObject({ about, type: "Warning", reason, message, suffix }, component, now);
}

interface EventParts {
  readonly about: { readonly namespace: string; readonly name: string; readonly [field: string]: string };
  readonly type: PodEvent["type"];
  readonly reason: string;
  readonly message: string;
  readonly suffix: string;
}

function eventObject({ about, type, reason, message, suffix }: EventParts, component: string, now: number) {
  const { namespace, name } = about;
  const at = formatSeconds(now);
  return {
    apiVersion: "v1",
    kind: "Event",
    // A name generated here instead of generateName, which would cut off the end of a long name of the object.
    metadata: { name: `${name.slice(0, MAX_EVENT_STEM_LENGTH)}.${suffix}`, namespace },
    involvedObject: about,
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
