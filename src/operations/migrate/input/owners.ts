// The workload that a pod belongs to, which is what an operator would restart. ReplicaSets and Jobs are looked up in the input;
// if it lacks them, the workload is derived from their names, which Kubernetes generates.
import { controllerOf, type ObjectMeta } from "../../../kubernetes/objects.ts";
import { type KubernetesObject, namespaceOf } from "../../manifests/parse-objects.ts";

/** A workload by kind and name. */
export interface WorkloadRef {
  readonly kind: string;
  readonly name: string;
}

/** Owners by "namespace kind name" of the owned object. */
export type OwnersByName = ReadonlyMap<string, WorkloadRef>;

/** Owners of the ReplicaSets and Jobs between pods and their workloads, by "namespace kind name". */
export function ownersByName(objects: readonly KubernetesObject[]): OwnersByName {
  const intermediates = objects.filter(({ kind }) => kind === "ReplicaSet" || kind === "Job");
  return new Map(
    intermediates.flatMap((object) => {
      const { kind, metadata } = object;
      const owner = controllerIn(metadata);
      return owner ? [[`${namespaceOf(object)} ${kind} ${metadata.name ?? ""}`, owner]] : [];
    }),
  );
}

/** The workload of a pod, ReplicaSet or Job; the object itself if it has no owner. */
export function ownerOf(
  object: { readonly kind?: string; readonly metadata: ObjectMeta },
  known: OwnersByName,
): WorkloadRef {
  const { kind = "Pod", metadata } = object;
  const owner = controllerIn(metadata);
  if (!owner) return { kind, name: metadata.name ?? metadata.generateName ?? "" };
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
  return controllerOf(Array.isArray(ownerReferences) ? ownerReferences : []);
}
