// How pods were last refused, by the records of podrole's server: pods cannot forge them. Pure.
import type { ClusterState, PodState, RefusalRecord } from "../../protocol/state/model.ts";

/** What the server knows about one pod. */
export interface HeldPod extends PodState {
  /** Its last refusal, as the server itself recorded it. */
  readonly refused?: RefusalRecord;
  /** AWS account of the server's own identity; absent if unknown. */
  readonly serverAccount?: string;
  /** The other pods of its namespace that the server knows. */
  readonly peers?: readonly PodState[];
}

/** Returns the last refusal of each pod, by the pod's uid. */
export function lastRefusals({ refusals }: Pick<ClusterState, "refusals">): ReadonlyMap<string, RefusalRecord> {
  const oldestFirst = (refusals?.rows ?? []).toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));
  return new Map(oldestFirst.map((record) => [record.uid, record]));
}

/** Returns the server's own message of a pod's last refusal; undefined if that had another code. */
export function refusalMessage(refused: RefusalRecord | undefined, code: string | undefined): string | undefined {
  return refused !== undefined && refused.code === code ? refused.reason : undefined;
}
