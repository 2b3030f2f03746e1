// The workload that a pod belongs to, which is what an operator would restart. ReplicaSets and Jobs are looked up in
// the input; if it lacks them, the workload is derived from their names, which Kubernetes generates.
import { controllerOf, type ObjectMeta } from "../../../kubernetes/objects.ts";
import { type KubernetesObject, namespaceOf } from "../../manifests/parse-objects.ts";

/** A workload by kind and name. */
export interface WorkloadRef {
  readonly kind: string;
  readonly name: string;
  /**
   * Needed because kinds of different API groups may have the same name; undefined if unknown, as for items of a list.
   */
  readonly apiVersion?: string;
}

/** Owners by "namespace kind name" of the owned object. */
export type OwnersByName = ReadonlyMap<string, WorkloadRef>;

/** Owners of the ReplicaSets and Jobs between pods and their workloads, by "namespace kind name". */
export function ownersByName(objects: readonly KubernetesObject[]): OwnersByName {
  return ownersOf(objects, ["ReplicaSet", "Job"]);
}

function ownersOf(objects: readonly KubernetesObject[], kinds: readonly string[]): OwnersByName {
  const owned = objects.filter(({ kind }) => kinds.includes(kind));
  return new Map(
    owned.flatMap((object) => {
      const { kind, metadata } = object;
      const owner = controllerIn(metadata);
      return owner ? [[`${namespaceOf(object)} ${kind} ${metadata.name ?? ""}`, owner]] : [];
    }),
  );
}

/** What manages a Deployment, StatefulSet or DaemonSet, such as an operator's resource, by "namespace kind name". */
export function managersByName(objects: readonly KubernetesObject[]): OwnersByName {
  return ownersOf(objects, ["Deployment", "StatefulSet", "DaemonSet"]);
}

/** The workload of a pod, ReplicaSet or Job; the object itself if it has no owner. */
export function ownerOf(
  object: { readonly kind?: string; readonly metadata: ObjectMeta; readonly apiVersion?: unknown },
  known: OwnersByName,
): WorkloadRef {
  const { kind = "Pod", metadata, apiVersion } = object;
  const owner = controllerIn(metadata);
  if (!owner) {
    const name = metadata.name ?? metadata.generateName ?? "";
    return { kind, name, ...(typeof apiVersion === "string" && { apiVersion }) };
  }
  const next = known.get(`${namespaceOf(object)} ${owner.kind} ${owner.name}`);
  return next ?? guessOwner(owner, metadata) ?? owner;
}

/** A Deployment names its ReplicaSets by its own name and a hash, a CronJob its Jobs by its own name and the minute. */
function guessOwner({ kind, name }: WorkloadRef, { labels }: ObjectMeta): WorkloadRef | undefined {
  const hash = labels?.["pod-template-hash"];
  if (kind === "ReplicaSet" && hash !== undefined && name.endsWith(`-${hash}`)) {
    return { kind: "Deployment", name: name.slice(0, -1 - hash.length) };
  }
  const [, cronJob] = /^(.+)-\d{8,}$/.exec(name) ?? [];
  return kind === "Job" && cronJob !== undefined ? { kind: "CronJob", name: cronJob } : undefined;
}

function controllerIn({ ownerReferences }: ObjectMeta): WorkloadRef | undefined {
  const owner = controllerOf(Array.isArray(ownerReferences) ? ownerReferences : []);
  if (!owner) return undefined;
  const { kind, name, apiVersion } = owner;
  return { kind, name, ...(typeof apiVersion === "string" && { apiVersion }) };
}
