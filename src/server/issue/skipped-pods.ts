// Reports pods whose role has no effect on the owner that created them: kubectl prints the webhook's warning to the
// creator of a pod, and a controller shows it to nobody. The server sees such a pod by the label that the webhook sets
// (LABELS.skipped), takes owner and uid from the pod itself, and records an Event, which `kubectl describe` shows on
// the ReplicaSet, DaemonSet, StatefulSet or Job, where Kubernetes reports pods that are refused. An author of pods can
// set label and owner too, so nothing of the Event but names comes from the pod. Limits, so that no number of pods can
// fill etcd:
//   owner and reason    one Event an hour, as long as the API server keeps it; replicas create the same one
//   namespace           20 owners an hour
//   all pods together   20 Events at once, then one in two seconds
// A pod that is older than ten minutes is not reported, so that a new server does not repeat what others have reported.
// States: watching → stopped (stop()). Owners are forgotten after an hour, whenever the next pod is considered.
import { type MarkedReason, markedReason, SKIP_REASONS } from "../../injection/skip-reasons.ts";
import type { Kubernetes, OwnerReference } from "../../kubernetes/api.ts";
import type { NamespaceShare } from "../../kubernetes/object-cache.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import { startReflector } from "../../kubernetes/reflector.ts";
import { LABELS, SKIPPED_PODS } from "../../policy/annotations.ts";
import { type Clock, MINUTE_MS } from "../../runtime/clock.ts";
import { isDnsSubdomain } from "../../runtime/dns-names.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import { isObject } from "../../runtime/json-object.ts";
import type { Log } from "../../runtime/log.ts";
import { textBytes } from "../../runtime/text-bytes.ts";
import { createTokenBucket } from "../../runtime/token-bucket.ts";

const REPEAT_AFTER_MS = 60 * MINUTE_MS;
const MAX_OWNERS_OF_NAMESPACE = 20;
const OWNER_EVENT_BURST = 20;
const OWNER_EVENT_SPACING_MS = 2_000;
const MAX_POD_AGE_MS = 10 * MINUTE_MS;

export interface SkippedPodsDeps {
  readonly kubernetes: Pick<Kubernetes, "source" | "recordOwnerEvent">;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after each Event that the API server accepted. */
  readonly onRecorded: (reason: MarkedReason) => void;
}

/** A pod whose role has no effect, and the controller that created it. */
interface SkippedPod {
  readonly namespace: string;
  readonly name: string;
  /** Unix milliseconds. */
  readonly createdAt: number;
  readonly reason: MarkedReason;
  readonly owner: OwnerReference;
}

/** Starts the watch of skipped pods. Does not wait for its first list. */
export function startSkippedPods({ kubernetes, clock, log, onRecorded }: SkippedPodsDeps): { stop(): void } {
  // Insertion order is the order of `until`. The bucket limits how many there are: 1 820 in an hour.
  const reported = new Map<string, { readonly namespace: string; readonly until: DueTime }>();
  const bucket = createTokenBucket({ clock }, { burst: OWNER_EVENT_BURST, spacingMs: OWNER_EVENT_SPACING_MS });

  function mayReport(key: string, namespace: string): boolean {
    for (const [earlier, { until }] of reported) {
      if (!isDue(clock, until)) break;
      reported.delete(earlier);
    }
    if (reported.has(key)) return false;
    const ofNamespace = [...reported.values()].filter((each) => each.namespace === namespace).length;
    if (ofNamespace >= MAX_OWNERS_OF_NAMESPACE || !bucket.take()) return false;
    reported.set(key, { namespace, until: dueAfter(clock, REPEAT_AFTER_MS) });
    return true;
  }

  function report({ namespace, name, createdAt, reason, owner }: SkippedPod): void {
    if (clock.now() - createdAt > MAX_POD_AGE_MS || !mayReport(`${namespace} ${owner.uid} ${reason}`, namespace))
      return;
    const message = `Pod "${name}" starts without podrole, so its role has no effect: ${SKIP_REASONS[reason]}`;
    kubernetes.recordOwnerEvent({ namespace, owner, reason, message }).then(
      (result) => {
        if (result === "recorded") onRecorded(reason);
      },
      (error: unknown) => log.warn({ err: error, namespace, pod: name, reason }, "could not record an Event"),
    );
  }

  const pods = startReflector(
    { source: kubernetes.source<Pod>("pods", { labelSelector: SKIPPED_PODS }), clock, log },
    {
      project: skippedPodOf,
      share: SKIPPED_SHARE,
      onUpdate(key) {
        for (const pod of key === undefined ? pods.list() : [pods.get(key)]) if (pod) report(pod);
      },
    },
  );
  return { stop: () => pods.stop() };
}

/**
 * Undefined for a pod that no controller has created, and for a label that the webhook does not set. An author of pods
 * chooses the owner, of which the API server requires only that nothing is empty.
 */
function skippedPodOf({ metadata }: Pod): SkippedPod | undefined {
  const { namespace = "", name = "", labels, creationTimestamp, ownerReferences } = metadata;
  const reason = markedReason(labels?.[LABELS.skipped]);
  const references: readonly unknown[] = Array.isArray(ownerReferences) ? ownerReferences : [];
  const controller = references.filter(isObject).find((each) => each["controller"] === true);
  if (reason === undefined || controller === undefined) return undefined;
  const [apiVersion, kind, ownerName, uid] = ["apiVersion", "kind", "name", "uid"].map((field) => controller[field]);
  if (!isOwnerText(apiVersion) || !isOwnerText(kind) || !isOwnerText(ownerName) || !isOwnerText(uid)) return undefined;
  if (!isDnsSubdomain(ownerName)) return undefined;
  const owner = { apiVersion, kind, name: ownerName, uid };
  return { namespace, name, createdAt: Date.parse(String(creationTimestamp)), reason, owner };
}

/** How much of one namespace's pods is cached: several thousand. Of those beyond it no Event is written. */
const SKIPPED_SHARE: NamespaceShare<SkippedPod | undefined> = {
  bytesOf(pod) {
    if (pod === undefined) return 0;
    const { namespace, name, owner } = pod;
    return SKIPPED_BYTES + textBytes([namespace, name, ...Object.values(owner)]);
  },
  maxBytes: 8 * 1024 * 1024,
};
const SKIPPED_BYTES = 300;

/** No field of an object that exists is longer. What is kept of a pod must not grow with what its author writes. */
const MAX_OWNER_TEXT_LENGTH = 253;

function isOwnerText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_OWNER_TEXT_LENGTH;
}
