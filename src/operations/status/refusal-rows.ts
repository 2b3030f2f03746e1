// The rows of podrole status refusals: the server's records, or without them each pod's Events of the last hour; and
// how sidecars last ended that are not ready, unless the server has recorded it. What the webhook refused is in the
// Events of workloads that could not create a pod. Pure.
import { ERRORS, isErrorCode } from "../../protocol/errors.ts";
import type { RefusalRecord, RefusalRecords } from "../../protocol/state/model.ts";
import { answerFields } from "../answer.ts";
import type { BlockedWorkload, EventObject } from "../blocked-workloads.ts";
import { CHECK_STEP, type ConcernedPod, stepsAfterCode } from "../code-steps.ts";
import { RETRIED_CREATION, readCreationFailure } from "../creation-failure.ts";
import type { Known } from "../known.ts";
import { type ConcernedObject, likelyWorkload, type StepFields } from "../next-steps.ts";
import { absenceOf } from "../program-absence.ts";
import { type Diagnosis, diagnoseCode } from "../sidecar-diagnosis.ts";
import { concernedOf, type PodSurroundings } from "./diagnose-seen.ts";
import type { RefusedRow } from "./model.ts";
import type { SeenPod } from "./seen-pod.ts";

/** What the rows are made from. */
export interface RefusalRowInput {
  readonly records: Known<RefusalRecords>;
  readonly events: Known<readonly EventObject[]>;
  /** Events of workloads that could not create a pod. */
  readonly failures: Known<readonly EventObject[]>;
  readonly seen: Known<readonly SeenPod[]>;
}

/** Returns the rows, the newest first. */
export function refusalRows(
  { records, events, failures, seen }: RefusalRowInput,
  surroundings: RefusalSurroundings,
): readonly RefusedRow[] {
  const pods = "value" in seen ? seen.value : [];
  const byName = new Map(pods.map((pod) => [`${pod.namespace}/${pod.name}`, pod] as const));
  const recorded = "value" in records ? records.value.rows : [];
  const isRecorded = new Set(recorded.map(({ uid, code }) => `${uid} ${code}`));
  const atIssuance = [
    ...recorded.map(recordRow),
    ...("unknown" in records && "value" in events ? events.value.flatMap((event) => eventRow(event) ?? []) : []),
    // The server cannot know of a pod that does not reach or trust it.
    ...pods.flatMap((pod) => (isRecorded.has(`${pod.uid} ${pod.sidecar?.lastEnd?.code}`) ? [] : (endRow(pod) ?? []))),
  ];
  const atAdmission = "value" in failures ? failures.value.flatMap((event) => failureRow(event) ?? []) : [];
  return [...atIssuance, ...atAdmission]
    .toSorted(newestFirst)
    .map((row) => Object.assign(row, refusalAnswer(row, byName, surroundings)));
}

/** Orders rows by their times (RFC 3339 in UTC), the newest first; rows of one time keep their order. */
export function newestFirst(a: { readonly time: string }, b: { readonly time: string }): number {
  return a.time === b.time ? 0 : a.time < b.time ? 1 : -1;
}

/** A row before its next command is known. */
type FoundRefusal = Omit<RefusedRow, keyof StepFields | keyof Diagnosis>;

/** What is known about the pods, and about workloads that cannot create theirs. */
export interface RefusalSurroundings extends PodSurroundings {
  readonly blocked?: readonly BlockedWorkload[];
}

/** The same answer as of the pod, or of the workload that cannot create it, if it is known. */
function refusalAnswer(refusal: FoundRefusal, seen: ReadonlyMap<string, SeenPod>, surroundings: RefusalSurroundings) {
  const { namespace, pod, code, message, from } = refusal;
  const [kind = "", name] = pod.split("/");
  const workload = name === undefined ? undefined : likelyWorkload({ namespace, kind, name });
  const blocked = surroundings.blocked?.find(
    (one) => workload && one.namespace === namespace && one.workload === `${workload.kind}/${workload.name}`,
  );
  // Its last attempt may have been refused for another reason than this one.
  if (blocked?.cause.includes(`${code}: `)) {
    const { namespace: _place, workload: _workload, time: _time, count: _count, ...answer } = blocked;
    return answer;
  }
  if (workload !== undefined && isErrorCode(code) && ERRORS[code].retry) {
    return passingAnswer(refusal, workload, blocked);
  }
  const known = seen.get(`${namespace}/${pod}`);
  const object = workload ?? { namespace, kind: "pod", name: pod };
  const { installation, server } = surroundings;
  const absence = code === "SERVER_UNREACHABLE" && server ? absenceOf("server", server, installation ?? {}) : undefined;
  if (absence !== undefined) return answerFields(absence, object);
  const concerned: ConcernedPod = {
    ...(known ? concernedOf(known, surroundings) : { object, installation }),
    message,
    ...(from === "server" && { serverMessage: message }),
  };
  const context = { ...concerned, isReady: known?.sidecar?.phase === "ready" };
  return answerFields({ ...diagnoseCode({ code, message }, context), steps: stepsAfterCode(code, concerned) }, object);
}

/** Of a fault of podrole's programs or of the API server that kept a workload from creating a pod. */
function passingAnswer(
  { code, message, count, time }: FoundRefusal,
  workload: ConcernedObject,
  later: BlockedWorkload | undefined,
): Diagnosis & StepFields {
  const { cause } = diagnoseCode({ code, message });
  if (later === undefined) {
    const remedy = "Nothing, unless it comes again: then podrole check says what is wrong.";
    return answerFields({ cause, remedy, recovery: RETRIED_CREATION, steps: [CHECK_STEP] }, workload);
  }
  const times = count === 1 ? "once" : `${count} times`;
  return {
    cause,
    remedy: "Nothing: it is over.",
    recovery: `it came ${times}, and is over since ${time}: the last attempt, at ${later.time}, was refused for another reason`,
  };
}

function recordRow(record: RefusalRecord): FoundRefusal {
  const { time, since, count, namespace, pod, container, role, code, reason } = record;
  const common = { time, since, count, namespace, pod, container, code, message: reason, from: "server" } as const;
  return role === undefined ? common : { ...common, role };
}

/** Undefined for an Event of another program. Anybody who may create Events in the namespace can forge one. */
function eventRow({ involvedObject, reason = "", message = "", count = 1, ...event }: EventObject) {
  if (!isErrorCode(reason) || involvedObject?.kind !== "Pod") return undefined;
  const { namespace = "", name: pod = "" } = involvedObject;
  const times = eventTimes(event);
  return {
    ...times,
    count,
    namespace,
    pod,
    container: "",
    code: reason,
    message,
    from: "event",
  } satisfies FoundRefusal;
}

function eventTimes({ firstTimestamp, lastTimestamp }: EventObject): Pick<RefusedRow, "time" | "since"> {
  return { time: lastTimestamp ?? "", ...(firstTimestamp && { since: firstTimestamp }) };
}

/** Undefined unless podrole's webhook refused the pod that the workload wanted to create. */
function failureRow({ involvedObject, message = "", count = 1, ...event }: EventObject): FoundRefusal | undefined {
  const failure = readCreationFailure(message);
  if (failure.by !== "podrole") return undefined;
  const { code, reason } = failure;
  const { kind = "", namespace = "", name = "" } = involvedObject ?? {};
  const pod = `${kind.toLowerCase()}/${name}`;
  const [, role, container = ""] = /^Cannot give role (\S+) to pod "[^"]*" container "([^"]*)"/.exec(reason) ?? [];
  const common = { ...eventTimes(event), count, namespace, pod, container, code, message: reason } as const;
  return { ...common, ...(role !== undefined && { role }), from: "event" };
}

/** Undefined unless the sidecar waits after an end with a code. */
function endRow({ namespace, name: pod, sidecar }: SeenPod): FoundRefusal | undefined {
  const { lastEnd, phase, restarts = 0 } = sidecar ?? {};
  if (lastEnd?.code === undefined || phase === "ready") return undefined;
  const { code, message, at: time } = lastEnd;
  return { time, count: Math.max(1, restarts), namespace, pod, container: "", code, message, from: "sidecar" };
}
