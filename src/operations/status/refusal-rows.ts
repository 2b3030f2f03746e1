// The rows of podrole status refusals: the server's records; without them what the cluster keeps, which is each pod's
// Events of the last hour and how its sidecar last ended. What the webhook refused is in the Events of workloads that
// could not create a pod. Pure.
import { isErrorCode } from "../../protocol/errors.ts";
import type { RefusalRecord, RefusalRecords } from "../../protocol/state/model.ts";
import { MINUTE_MS } from "../../runtime/clock.ts";
import { diagnoseCreation, readCreationFailure, stepsAfterCreationFailure } from "../creation-failure.ts";
import type { Known } from "../known.ts";
import { likelyWorkload, type StepFields, stepFields, stepsAfterCode } from "../next-steps.ts";
import { diagnosisText } from "../sidecar-diagnosis.ts";
import type { BlockedWorkload, RefusedRow } from "./model.ts";
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
  /** Events of workloads that could not create a pod. */
  readonly failures: Known<readonly EventObject[]>;
  readonly seen: Known<readonly SeenPod[]>;
}

/** Returns the rows, the newest first: those of the server if it has told its records, else those of the cluster. */
export function refusalRows({ records, events, failures, seen }: RefusalRowInput): readonly RefusedRow[] {
  const atIssuance =
    "value" in records
      ? records.value.rows.map(recordRow)
      : [
          ...("value" in events ? events.value.flatMap((event) => eventRow(event) ?? []) : []),
          ...("value" in seen ? seen.value.flatMap((pod) => endRow(pod) ?? []) : []),
        ];
  const atAdmission = "value" in failures ? failures.value.flatMap((event) => failureRow(event) ?? []) : [];
  return [...atIssuance, ...atAdmission].toSorted(newestFirst).map((row) => Object.assign(row, stepsAfterRefusal(row)));
}

/** Orders rows by their times (RFC 3339 in UTC), the newest first; rows of one time keep their order. */
export function newestFirst(a: { readonly time: string }, b: { readonly time: string }): number {
  return a.time === b.time ? 0 : a.time < b.time ? 1 : -1;
}

/** A row before its next command is known. */
type FoundRefusal = Omit<RefusedRow, keyof StepFields>;

function stepsAfterRefusal({ namespace, pod, code, message, from }: FoundRefusal): StepFields {
  const [kind = "", name] = pod.split("/");
  const object = name === undefined ? { namespace, kind: "pod", name: pod } : likelyWorkload({ namespace, kind, name });
  return stepFields(stepsAfterCode(code, { object, message, ...(from === "server" && { serverMessage: message }) }));
}

/** Time after which the Event of a workload that cannot create its pods is repeated: at most 17 min, by back-off. */
const BLOCKED_MS = 20 * MINUTE_MS;

/**
 * Returns the workloads that could not create a pod in the last 20 minutes before `now` (Unix milliseconds) because of
 * podrole, or with `withQuotas`, because of a quota; the newest first.
 */
export function blockedWorkloads(
  failures: readonly EventObject[],
  { now, withQuotas }: { readonly now: number; readonly withQuotas: boolean },
): readonly BlockedWorkload[] {
  return failures
    .flatMap(({ involvedObject, message = "", count = 1, lastTimestamp }): BlockedWorkload[] => {
      const { by } = readCreationFailure(message);
      const time = lastTimestamp ?? "";
      const isRecent = now - Date.parse(time) < BLOCKED_MS;
      if (!isRecent || by === "other" || (by === "quota" && !withQuotas)) return [];
      const { kind = "", namespace = "", name = "" } = involvedObject ?? {};
      const object = likelyWorkload({ namespace, kind: kind.toLowerCase(), name });
      const steps = stepsAfterCreationFailure(message, object);
      const workload = `${object.kind}/${object.name}`;
      return [
        { namespace, workload, time, count, message: diagnosisText(diagnoseCreation(message)), ...stepFields(steps) },
      ];
    })
    .toSorted(newestFirst);
}

function recordRow({ time, count, namespace, pod, container, role, code, reason }: RefusalRecord): FoundRefusal {
  const common = { time, count, namespace, pod, container, code, message: reason, from: "server" } as const;
  return role === undefined ? common : { ...common, role };
}

/** Undefined for an Event of another program. Anybody who may create Events in the namespace can forge one. */
function eventRow({ involvedObject, reason = "", message = "", count = 1, ...event }: EventObject) {
  if (!isErrorCode(reason) || involvedObject?.kind !== "Pod") return undefined;
  const { namespace = "", name: pod = "" } = involvedObject;
  const time = event.lastTimestamp ?? "";
  return { time, count, namespace, pod, container: "", code: reason, message, from: "event" } satisfies FoundRefusal;
}

/** Undefined unless podrole's webhook refused the pod that the workload wanted to create. */
function failureRow({ involvedObject, message = "", count = 1, lastTimestamp }: EventObject): FoundRefusal | undefined {
  const failure = readCreationFailure(message);
  if (failure.by !== "podrole") return undefined;
  const { code, reason } = failure;
  const { kind = "", namespace = "", name = "" } = involvedObject ?? {};
  const pod = `${kind.toLowerCase()}/${name}`;
  const [, role, container = ""] = /^Cannot give role (\S+) to pod "[^"]*" container "([^"]*)"/.exec(reason) ?? [];
  const common = { time: lastTimestamp ?? "", count, namespace, pod, container, code, message: reason } as const;
  return { ...common, ...(role !== undefined && { role }), from: "event" };
}

/** Undefined unless the sidecar waits after an end with a code. */
function endRow({ namespace, name: pod, sidecar }: SeenPod): FoundRefusal | undefined {
  const { lastEnd, phase, restarts = 0 } = sidecar ?? {};
  if (lastEnd?.code === undefined || phase === "ready") return undefined;
  const { code, message, at: time } = lastEnd;
  return { time, count: Math.max(1, restarts), namespace, pod, container: "", code, message, from: "sidecar" };
}
