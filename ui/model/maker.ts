// What creates the pods that were refused before they had a name. Pure.
import type { RefusedRow } from "../../src/operations/status/model.ts";

/** The object that would have created a pod. */
export interface PodMaker {
  /** "ReplicaSet". */
  readonly kind: string;
  readonly name: string;
}

const KINDS = ["ReplicaSet", "StatefulSet", "DaemonSet", "Deployment", "Job", "CronJob", "ReplicationController"];

/** Returns the maker of "replicaset/orders-5d9f"; undefined for the name of a pod, which was created. */
export function makerOf(pod: RefusedRow["pod"]): PodMaker | undefined {
  const [kind = "", name] = pod.split("/", 2);
  if (name === undefined) return undefined;
  return { kind: KINDS.find((known) => known.toLowerCase() === kind.toLowerCase()) ?? kind, name };
}

/** Hash of the pod template at the end of a ReplicaSet's name (apimachinery, rand.SafeEncodeString). */
const TEMPLATE_HASH = /-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** Returns the name of what an operator edits: of the ReplicaSet of a Deployment, the Deployment. */
export function workloadNameOf({ kind, name }: PodMaker): string {
  return kind === "ReplicaSet" ? name.replace(TEMPLATE_HASH, "") : name;
}
