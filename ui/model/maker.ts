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

/** An Event of a workload that still cannot create its pods is repeated within 17 minutes, by back-off. */
const BLOCKED_MS = 20 * 60_000;

/** Reports whether a refusal is of a workload that still cannot create its pods at `now` (Unix milliseconds). */
export function isBlocked({ pod, time }: Pick<RefusedRow, "pod" | "time">, now: number): boolean {
  const at = Date.parse(time);
  return makerOf(pod) !== undefined && (Number.isNaN(at) || now - at < BLOCKED_MS);
}

/** Hash of the pod template at the end of a ReplicaSet's name (apimachinery, rand.SafeEncodeString). */
const TEMPLATE_HASH = /-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** Returns the name of what an operator edits: of the ReplicaSet of a Deployment, the Deployment. */
export function workloadNameOf({ kind, name }: PodMaker): string {
  return kind === "ReplicaSet" ? name.replace(TEMPLATE_HASH, "") : name;
}
