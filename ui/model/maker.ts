// What creates the pods that were refused before they had a name. Pure.
import { BLOCKED_MS } from "../../src/operations/blocked-time.ts";
import type { PodRow, RefusedRow } from "../../src/operations/status/model.ts";

/** The object that would have created a pod. */
export interface PodMaker {
  /** "ReplicaSet". */
  readonly kind: string;
  readonly name: string;
}

/** Reports whether a row's `pod` names what would have created pods: "replicaset/orders-5d9f". */
export function isMaker(pod: string): boolean {
  return pod.includes("/");
}

const KINDS = ["ReplicaSet", "StatefulSet", "DaemonSet", "Deployment", "Job", "CronJob", "ReplicationController"];

/** Returns the maker of "replicaset/orders-5d9f"; undefined for the name of a pod, which was created. */
export function makerOf(pod: RefusedRow["pod"]): PodMaker | undefined {
  const [kind = "", name] = pod.split("/", 2);
  if (name === undefined) return undefined;
  return { kind: KINDS.find((known) => known.toLowerCase() === kind.toLowerCase()) ?? kind, name };
}

/** Reports whether a refusal is of a workload that still cannot create its pods at `now` (Unix milliseconds). */
export function isBlocked({ pod, time }: Pick<RefusedRow, "pod" | "time">, now: number): boolean {
  const at = Date.parse(time);
  return isMaker(pod) && (Number.isNaN(at) || now - at < BLOCKED_MS);
}

/**
 * Returns the workloads that cannot create their pods at `now`, each once by its last refusal, as rows beside those of
 * containers.
 */
export function blockedRows(refusals: readonly RefusedRow[], now: number): readonly PodRow[] {
  const blocked = refusals
    .filter((row) => isBlocked(row, now))
    .toSorted((a, b) => (a.time === b.time ? 0 : a.time < b.time ? 1 : -1));
  const byWorkload = Map.groupBy(blocked, ({ namespace, pod }) => `${namespace} ${blockedWorkload(pod)}`);
  return [...byWorkload.values()].flatMap(([last]) => (last === undefined ? [] : [blockedRow(last)]));
}

/** Returns the rows of a reading: containers, and the workloads that cannot create their pods. */
export function allRows(
  { pods, refusals }: { readonly pods: readonly PodRow[]; readonly refusals: readonly RefusedRow[] },
  now: number,
): readonly PodRow[] {
  return [...pods, ...blockedRows(refusals, now)];
}

/** With the role that its pods name, and what to do. */
function blockedRow({ time: _time, since: _since, count: _count, from: _from, ...refusal }: RefusedRow): PodRow {
  const workload = blockedWorkload(refusal.pod);
  return { ...refusal, container: "", phase: "absent", restarts: 0, workload };
}

/** "Deployment/intruder" of "replicaset/intruder-6c9d7". */
function blockedWorkload(pod: string): string {
  const maker = makerOf(pod);
  if (maker === undefined) return pod;
  const name = workloadNameOf(maker);
  return `${name === maker.name ? maker.kind : "Deployment"}/${name}`;
}

/** Hash of the pod template at the end of a ReplicaSet's name (apimachinery, rand.SafeEncodeString). */
const TEMPLATE_HASH = /-[bcdfghjklmnpqrstvwxz2456789]{5,10}$/;

/** Returns the name of what an operator edits: of the ReplicaSet of a Deployment, the Deployment. */
export function workloadNameOf({ kind, name }: PodMaker): string {
  return kind === "ReplicaSet" ? name.replace(TEMPLATE_HASH, "") : name;
}
