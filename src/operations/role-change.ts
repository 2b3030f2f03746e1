// A role annotation that was changed on a running pod: what it means for the pod, and the commands. Pure.
import { formatAge } from "./format.ts";
import { isQuotable } from "./migrate/shell-commands.ts";
import { annotatePodsStep, type ConcernedObject, createAsBeforeStep, isRolledOut, proofOf } from "./next-steps.ts";
import type { AnsweredDiagnosis } from "./sidecar-diagnosis.ts";

/** A container whose pod names another role than it has. */
export interface ChangedRole {
  readonly pod: ConcernedObject;
  readonly container: string;
  /** ARN of the role that it has, and whether it holds credentials of it now. */
  readonly role: string;
  readonly isHeld: boolean;
  /** What names the other role: an annotation of the pod; undefined if something else does. */
  readonly annotation: string | undefined;
  readonly requested: string;
  /** Whether its namespace permits the role; undefined if unknown. */
  readonly isPermitted: boolean | undefined;
  /** Of the credentials that it holds, RFC 3339. */
  readonly renewed?: string | undefined;
  readonly expires?: string | undefined;
  /** Whether the server gives only what the webhook has pinned; undefined: unknown. */
  readonly isPinning: boolean | undefined;
  /** The role that may be restored: undefined if only the pod itself says what it was. */
  readonly earlier: string | undefined;
  /** What has the annotations of a new pod: the workload that creates it, or the pod. */
  readonly template: ConcernedObject;
  /** How to have the pod created again, given the purpose, and to try the role before. */
  readonly restart: (purpose: string) => readonly string[];
}

/** Returns what changes and when, and the commands to take it back and to hurry it. */
export function diagnoseChange(changed: ChangedRole, now = 0): AnsweredDiagnosis {
  const { pod, container, role, isHeld, annotation, requested, isPinning, earlier } = changed;
  const has = isHeld ? "holds" : "got at admission";
  const source = annotation === undefined ? "the decision now is" : `the pod's ${annotation} now names`;
  const back =
    earlier === undefined || annotation === undefined
      ? []
      : [annotatePodsStep(pod, annotation, { value: earlier, purpose: "only if the earlier role was right" })];
  return {
    cause: `container ${container} ${has} ${role}, and ${source} ${requested}`,
    remedy: "Nothing, if the change is intended. Otherwise, name the earlier role again.",
    recovery: isPinning
      ? "not by itself: --pin-roles is on, so the pod keeps its role, and a new pod has the new one"
      : `by itself: it gets ${requested} with its next renewal${renewalText(changed, now)}; ${trustText(changed)}`,
    verify: `${proofOf({ ...pod, kind: "pod" })}: at once if the earlier role is named again, otherwise ${isPinning ? "of the new pod" : "after the renewal"}`,
    steps: [...back, ...newPodSteps(changed)],
  };
}

/** A permission of the namespace says nothing about STS, which is asked at the renewal. */
function trustText({ pod, role, expires, isPermitted }: ChangedRole): string {
  const permission = isPermitted === undefined ? "" : `namespace ${pod.namespace} permits it, and `;
  const until = expires === undefined ? "those it has expire" : timeText(Date.parse(expires));
  return `${permission}whether STS gives it was not tried: if STS refuses it, the container keeps ${role} until ${until}, and has no credentials from then on`;
}

/** A new pod has the role of its template, which the change of a pod does not change. */
function newPodSteps({ pod, template, annotation, requested, earlier, restart }: ChangedRole): readonly string[] {
  if (template.kind === "pod") {
    const steps = restart("only to use the new role at once");
    const isSaved = steps.some((step) => step.includes(" replace --force "));
    if (!isSaved || earlier === undefined || annotation === undefined || !isQuotable(earlier)) return steps;
    const purpose = "only if the new pod does not start, the way back: creates it with the earlier role";
    return [...steps, createAsBeforeStep(pod, { annotation, value: earlier, purpose })];
  }
  if (annotation === undefined) return [];
  const back = isRolledOut(template) ? ": kubectl rollout undo of it is the way back" : "";
  const purpose = `only to give new pods the new role too${back}`;
  return [annotatePodsStep(template, annotation, { value: requested, purpose })];
}

/** Sidecars renew between these parts of a lifetime. */
const RENEWAL_PARTS = { first: 0.45, last: 0.55 };

/** ", between TIME and TIME"; empty if unknown. */
function renewalText({ renewed, expires }: Pick<ChangedRole, "renewed" | "expires">, now: number): string {
  if (renewed === undefined || expires === undefined) return "";
  const [from, to] = [Date.parse(renewed), Date.parse(expires)];
  const at = (part: number) => from + part * (to - from);
  if (!(to > from)) return "";
  const last = at(RENEWAL_PARTS.last);
  if (last <= now) return ", which is due";
  const first = Math.max(at(RENEWAL_PARTS.first), now);
  return `, between ${timeText(first)} and ${timeText(last)} (in at most ${formatAge(last - now)})`;
}

function timeText(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+Z$/, "Z");
}
