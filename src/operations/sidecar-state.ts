// What a pod's podrole-sidecar does now, from the pod's status: the kubelet's words, and the code and remedy that the
// sidecar left behind when it last ended. Pure.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states)
import { PODROLE_NAMES } from "../injection/names.ts";
import type { Pod } from "../kubernetes/objects.ts";
import { ERRORS, type ErrorCode, isErrorCode } from "../protocol/errors.ts";
import { isObject, parseObject } from "../runtime/json-object.ts";

/** "ready": it has credentials, or had them. "starting": it runs and has none yet. "absent": no status mentions it. */
export type SidecarPhase = "ready" | "starting" | "waiting" | "ended" | "absent";

/** How the sidecar last ended. */
export interface SidecarEnd {
  /** An error code of docs/errors.md, if it ended with one. */
  readonly code?: string;
  /**
   * With a code, the reason that it left behind and the remedy of the code. Otherwise its text, marked as the pod's, or
   * the kubelet's word for how it ended.
   */
  readonly message: string;
  /** RFC 3339; empty if the kubelet does not say. */
  readonly at: string;
}

/** Returns how a sidecar ended, as "CODE: message" if it ended with a code. */
export function sidecarEndText({ code, message }: SidecarEnd): string {
  return code === undefined ? message : `${code}: ${message}`;
}

/** The state of a pod's sidecar. */
export interface SidecarState {
  readonly phase: SidecarPhase;
  /** The kubelet's reason, such as CrashLoopBackOff; for an absent sidecar the scheduler's, or the pod's phase. */
  readonly reason?: string;
  /** RFC 3339. */
  readonly since?: string;
  readonly restarts: number;
  readonly lastEnd?: SidecarEnd;
}

/** Returns the state of the sidecar of an injected pod. */
export function readSidecarState({ status = {} }: Pick<Pod, "status">): SidecarState {
  const containers = [...statusesOf(status["initContainerStatuses"]), ...statusesOf(status["containerStatuses"])];
  const own = containers.find(({ name }) => name === PODROLE_NAMES.sidecar);
  if (own === undefined) return { phase: "absent", restarts: 0, reason: unscheduledReason(status) };
  const { state = {}, lastState = {}, ready = false, restartCount: restarts = 0 } = own;
  const ended = state.terminated ?? lastState.terminated;
  const common = { restarts, ...(ended && { lastEnd: endOf(ended) }) };
  if (state.terminated) return { phase: "ended", ...common, ...sidecarReasonOf(state.terminated) };
  if (state.waiting) return { phase: "waiting", ...common, ...sidecarReasonOf(state.waiting) };
  const since = state.running?.startedAt;
  return {
    phase: ready && !isHeld(containers) ? "ready" : "starting",
    ...common,
    ...(since !== undefined && { since }),
  };
}

/** True while podrole-init holds the pod's other containers back: the sidecar runs, and may have no credentials yet. */
function isHeld(containers: readonly SidecarContainerStatus[]): boolean {
  return containers.some(({ name, state }) => name === PODROLE_NAMES.init && state?.terminated === undefined);
}

/** The parts of a ContainerStatus that are read here. */
interface SidecarContainerStatus {
  readonly name?: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: SidecarContainerState;
  readonly lastState?: SidecarContainerState;
}

interface SidecarContainerState {
  readonly running?: { readonly startedAt?: string };
  readonly waiting?: { readonly reason?: string };
  readonly terminated?: SidecarTermination;
}

interface SidecarTermination {
  readonly reason?: string;
  readonly message?: string;
  readonly exitCode?: number;
  readonly finishedAt?: string;
}

function statusesOf(value: unknown): readonly SidecarContainerStatus[] {
  return Array.isArray(value) ? value.filter(isObject) : [];
}

function sidecarReasonOf({ reason }: { readonly reason?: string }): { readonly reason?: string } {
  return reason === undefined ? {} : { reason };
}

/** (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-conditions) */
function unscheduledReason(status: NonNullable<Pod["status"]>): string {
  const conditions: unknown = status["conditions"];
  const scheduled = Array.isArray(conditions) ? conditions.filter(isObject) : [];
  const failed = scheduled.find(({ type, status: value }) => type === "PodScheduled" && value === "False");
  return typeof failed?.["message"] === "string" ? failed["message"] : (status.phase ?? "Pending");
}

function endOf({ message = "", reason = "", exitCode, finishedAt: at = "" }: SidecarTermination): SidecarEnd {
  const text = message.trim();
  const [, code = ""] = /^([A-Z][A-Z_]+): /.exec(text) ?? [];
  if (isErrorCode(code)) return codedEnd(code, text.slice(code.length + 2), at);
  const kubelets = `${reason} with exit code ${exitCode ?? "unknown"}`;
  return loggedEnd(text, at) ?? { message: text === "" ? kubelets : `the pod says: ${text}`, at };
}

/**
 * The reason as the pod gives it, with the remedy of the code: a pod's author may write a container like
 * podrole-sidecar, and with it any message, and what an operator should do must not come from there.
 */
function codedEnd(code: ErrorCode, text: string, at: string): SidecarEnd {
  const [reason = ""] = text.split(" -- ", 1);
  return { code, message: `${reason} -- ${ERRORS[code].remedy}`, at };
}

/** Without a termination message the kubelet keeps the end of the log, whose last line with a code says why. */
function loggedEnd(text: string, at: string): SidecarEnd | undefined {
  for (const line of text.split("\n").toReversed()) {
    const { code, reason = "" } = parseObject(line) ?? {};
    if (typeof code === "string" && isErrorCode(code)) return codedEnd(code, String(reason), at);
  }
  return undefined;
}
