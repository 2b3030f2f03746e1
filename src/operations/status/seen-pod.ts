// What podrole status keeps of a pod of the cluster, so that a list of many pods fits into memory. Pure.
import { PODROLE_NAMES } from "../../injection/names.ts";
import { isInjected } from "../../injection/parts.ts";
import { hasRoleAnnotation } from "../../injection/pod-annotations.ts";
import { hasInjectedLabel } from "../../injection/reserved.ts";
import { type ResolvedRoles, readAdmittedRoles } from "../../injection/resolved-roles.ts";
import { allContainers } from "../../injection/shape.ts";
import { hasFinished, type Pod } from "../../kubernetes/objects.ts";
import { isRoleAnnotation } from "../../policy/annotations.ts";
import { type ContainerImages, imagesOf } from "../copied-pod.ts";
import { type EndedContainer, endedContainers } from "../ended-containers.ts";
import { awaitsPodCertificate } from "../explain/certificate-request.ts";
import { ownerOf } from "../migrate/input/owners.ts";
import { type ConcernedObject, creatorOf, templateObject } from "../next-steps.ts";
import { podBundle } from "../pod-trust.ts";
import { readSidecarState, type SidecarState } from "../sidecar-state.ts";
import { type PodTimes, podTimesOf } from "../uninjected-cause.ts";
import type { RoleSource } from "./model.ts";

/** A pod that uses podrole, or that names a role and is not injected. */
export interface SeenPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly created: string | undefined;
  readonly node: string | undefined;
  /** What an operator would restart, as "Deployment/orders"; the pod itself if nothing manages it. */
  readonly workload: string;
  readonly isDeleted: boolean;
  /** Undefined if the pod is not injected. */
  readonly sidecar: SidecarState | undefined;
  readonly image: string | undefined;
  /** Containers that the sidecar serves; empty if the pod does not say which. */
  readonly served: readonly string[];
  readonly roles: ResolvedRoles;
  readonly rolesFrom: Exclude<RoleSource, "server"> | undefined;
  /** The pod's annotations of roles: they may have changed since admission. */
  readonly named: Readonly<Record<string, string>>;
  /** What creates it again, as "Deployment/orders"; the pod itself if nothing does. */
  readonly creator: string;
  /** True for a copy that `kubectl debug` made without the pod's labels and annotations. */
  readonly isCopy: boolean;
  /** True for a pod without podrole that is such a copy if an injected pod has its containers. */
  readonly mayBeCopy: boolean;
  /** Containers that have ended with an error, of a pod that may be a copy. */
  readonly ended?: readonly EndedContainer[];
  /** Of its own containers, to find out what it is a copy of. */
  readonly images: ContainerImages;
  /** What has the annotations of its role: the workload that creates it again, or the pod. */
  readonly template: ConcernedObject;
  /** The CAs that it was created with, as PEM, if its sidecar does not trust the server. */
  readonly bundle: string | undefined;
  /** True for a pod that waits for its volumes, of which one has a pod certificate. */
  readonly awaitsCertificate: boolean;
  /** Of a pod that is not injected. */
  readonly times: PodTimes | undefined;
}

/** Returns what is kept of the pod; undefined for one that does not concern podrole, or has finished. */
export function seenPodOf(pod: Pod): SeenPod | undefined {
  if (hasFinished(pod)) return undefined;
  const isServed = isInjected(pod);
  const creator = creatorOf(pod);
  const mayBeCopy = !isServed && mayBeStrippedCopy(pod, creator);
  if (!isServed && !hasRoleAnnotation(pod) && !mayBeCopy) return undefined;
  const { namespace = "", name = "", uid = "", creationTimestamp, deletionTimestamp } = pod.metadata;
  const containers = allContainers(pod);
  const sidecar = containers.find((container) => container.name === PODROLE_NAMES.sidecar);
  const names = new Set(containers.map((container) => container.name));
  const admitted = readAdmittedRoles(pod);
  const served = sidecar?.env?.find((variable) => variable.name === CONTAINERS_VARIABLE)?.value ?? "";
  // The pod's author may have written both, so only containers that the pod has are kept.
  const ownRoles = Object.entries(admitted?.roles ?? {}).filter(([container]) => names.has(container));
  const workload = ownerOf({ kind: "Pod", metadata: pod.metadata }, new Map());
  const state = isServed ? readSidecarState(pod) : undefined;
  return {
    namespace,
    name,
    uid,
    created: creationTimestamp,
    node: pod.spec.nodeName,
    workload: `${workload.kind}/${workload.name}`,
    isDeleted: deletionTimestamp !== undefined,
    sidecar: state,
    image: sidecar?.image,
    served: [...names.intersection(new Set(served.split(",")))],
    roles: isServed ? Object.fromEntries(ownRoles) : {},
    rolesFrom: isServed && admitted ? ROLE_SOURCES[admitted.from] : undefined,
    named: namedRoles(pod),
    creator,
    isCopy: isServed && !hasInjectedLabel(pod),
    mayBeCopy,
    ...(mayBeCopy && { ended: endedContainers(pod) }),
    images: imagesOf(pod),
    template: templateObject({ namespace, name }, creator),
    bundle: state?.lastEnd?.code === "SERVER_UNTRUSTED" ? podBundle(pod) : undefined,
    awaitsCertificate: isServed && awaitsPodCertificate(pod),
    times: isServed ? undefined : podTimesOf(pod),
  };
}

/** podrole takes its sidecar out of a copy without a role; `kubectl debug` makes copies without labels and owners. */
function mayBeStrippedCopy(pod: Pod, creator: string): boolean {
  const { name, labels = {} } = pod.metadata;
  return creator === `Pod/${name}` && Object.keys(labels).length === 0 && !hasRoleAnnotation(pod);
}

function namedRoles({ metadata: { annotations = {} } }: Pod): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(annotations).filter(([name]) => isRoleAnnotation(name)));
}

const ROLE_SOURCES = { pin: "pin", annotation: "admission" } as const;

/** The sidecar's variable that names the containers that it serves. */
const CONTAINERS_VARIABLE = "PODROLE_CONTAINERS";
