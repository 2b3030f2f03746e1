// What the server's cache keeps of a pod: whoever may create pods chooses how large they are.
import type { NamespaceShare } from "../../kubernetes/object-cache.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import type { PodFacts, PolicySettings } from "../../policy/decide.ts";
import { compactFacts, OWN_CONTAINERS, podFacts } from "../../policy/facts.ts";
import { isRefusal, type Refusal } from "../../protocol/errors.ts";
import { isObject } from "../../runtime/json-object.ts";
import { textBytes } from "../../runtime/text-bytes.ts";
import { notInjected, whyUninjected } from "./uninjected.ts";
import { type ClaimedPod, instanceOf, type PodInstance, verifyPod } from "./verify-proof.ts";

/** A pod as decisions read it, from the cache or live: about a tenth of the object. */
export interface KnownPod extends PodInstance {
  /** Without annotations, labels and containers if the pod does not count as injected: then no decision reads them. */
  readonly facts: PodFacts;
  /** Why it does not count as injected, computed from the whole pod. */
  readonly uninjected: string | undefined;
  /** Absent until it is scheduled. */
  readonly node?: string;
  /** Of the object from which this was read. */
  readonly resourceVersion?: string;
  /** Restarts of podrole-sidecar; absent until the kubelet has reported its status. */
  readonly sidecarRestarts?: number;
}

/**
 * How much of one namespace's pods is cached: about 8 000 pods as users write them. Tenants may create pods that no
 * node has room for, with as many annotations as Kubernetes accepts.
 */
export const POD_SHARE: NamespaceShare<KnownPod> = {
  bytesOf: ({ facts, uninjected = "" }) => {
    const { annotations, labels, containers, pin = "", name = "", serviceAccount } = facts;
    const texts = [annotations, labels].flatMap((map) => Object.entries(map).flat());
    return KNOWN_POD_BYTES + textBytes([...texts, ...containers, pin, uninjected, name, serviceAccount]);
  },
  maxBytes: 32 * 1024 * 1024,
};

/** What a pod takes beside its texts: its objects and lists, and the decisions that are remembered about it. */
const KNOWN_POD_BYTES = 3_000;

/** Selects what is kept of a pod. `settings` decide what a decision reads. */
export function knownPodOf(pod: Pod, settings: Pick<PolicySettings, "sessionTagLabels" | "pinRoles">): KnownPod {
  const uninjected = whyUninjected(pod);
  const facts = podFacts(uninjected === undefined ? pod : withoutContent(pod), pod.metadata.namespace ?? "");
  const { nodeName: node } = pod.spec;
  const { resourceVersion } = pod.metadata;
  const restarts = sidecarRestartsOf(pod);
  return {
    ...instanceOf(pod),
    facts: compactFacts(facts, settings),
    uninjected,
    ...(node !== undefined && { node }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(restarts !== undefined && { sidecarRestarts: restarts }),
  };
}

/** Returns the pod if it is the one that the caller claims to be, and injected. */
export function verifyInjected(claimed: ClaimedPod, known: KnownPod | undefined): KnownPod | Refusal {
  const found = verifyPod(claimed, known);
  return isRefusal(found) || found.uninjected === undefined ? found : notInjected(claimed, found.uninjected);
}

/** In native mode the sidecar is an init container, in classic mode an ordinary one. */
function sidecarRestartsOf({ status = {} }: Pod): number | undefined {
  const lists = [status["initContainerStatuses"], status["containerStatuses"]];
  const statuses = lists.flatMap((list) => (Array.isArray(list) ? list.filter(isObject) : []));
  const restarts = statuses.find(({ name }) => name === OWN_CONTAINERS.sidecar)?.["restartCount"];
  return typeof restarts === "number" ? restarts : undefined;
}

function withoutContent({ metadata, spec }: Pod): Pod {
  return {
    metadata: { ...metadata, annotations: {}, labels: {} },
    spec: { ...spec, initContainers: [], containers: [] },
  };
}
