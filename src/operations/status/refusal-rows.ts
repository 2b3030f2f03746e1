// The rows of podrole status refusals: the server's records; without them what the cluster keeps, which is each pod's
// Events of the last hour and how its sidecar last ended. Pure.
import { isErrorCode } from "../../protocol/errors.ts";
import type { RefusalRecord, RefusalRecords } from "../../protocol/state/model.ts";
import type { Known } from "../known.ts";
import type { RefusedRow } from "./model.ts";
import type { SeenPod } from "./seen-pod.ts";

/** The fields of a core/v1 Event that are read. */
export interface EventObject {
  readonly involvedObject?: { readonly kind?: string; readonly namespace?: string; readonly name?: string };
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  readonly lastTimestamp?: string | null;
}

/** What the rows are made from. */
export interface RefusalRowInput {
  readonly records: Known<RefusalRecords>;
  readonly events: Known<readonly EventObject[]>;
  readonly seen: Known<readonly SeenPod[]>;
}

/** Returns the rows, the newest first: those of the server if it has told its records, else those of the cluster. */
export function refusalRows({ records, events, seen }: RefusalRowInput): readonly RefusedRow[] {
  const rows =
    "value" in records
      ? records.value.rows.map(recordRow)
      : [
          ...("value" in events ? events.value.flatMap((event) => eventRow(event) ?? []) : []),
          ...("value" in seen ? seen.value.flatMap((pod) => endRow(pod) ?? []) : []),
        ];
  return rows.toSorted((a, b) => (a.time === b.time ? 0 : a.time < b.time ? 1 : -1));
}

function recordRow({ time, count, namespace, pod, container, role, code, reason }: RefusalRecord): RefusedRow {
  const common = { time, count, namespace, pod, container, code, message: reason, from: "server" } as const;
  return role === undefined ? common : { ...common, role };
}

/** Undefined for an Event of another program. Anybody who may create Events in the namespace can forge one. */
function eventRow({ involvedObject, reason = "", message = "", count = 1, ...event }: EventObject) {
  if (!isErrorCode(reason) || involvedObject?.kind !== "Pod") return undefined;
  const { namespace = "", name: pod = "" } = involvedObject;
  const time = event.lastTimestamp ?? "";
  return { time, count, namespace, pod, container: "", code: reason, message, from: "event" } satisfies RefusedRow;
}

/** Undefined unless the sidecar waits after an end with a code. */
function endRow({ namespace, name: pod, sidecar }: SeenPod): RefusedRow | undefined {
  const { lastEnd, phase, restarts = 0 } = sidecar ?? {};
  if (lastEnd?.code === undefined || phase === "ready") return undefined;
  const { code, message, at: time } = lastEnd;
  return { time, count: Math.max(1, restarts), namespace, pod, container: "", code, message, from: "sidecar" };
}
