// The webhook's use case, as one would say it: read the pod → look up what surrounds it → plan → patch → write it down →
// answer. It never throws: whatever goes wrong is a denial with a code, because a pod without its sidecar would run with
// the node's role. It has no side effect but its record (sideEffects: None), so a dry run is like any other.
import type { Pod } from "../kubernetes/objects.ts";
import { podFacts } from "../policy/facts.ts";
import { ERRORS, isErrorCode, PodroleError, toPodroleError } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Audit, Log } from "../runtime/log.ts";
import { admissionRecord, auditAnnotations, type PatchedPlan } from "./audit.ts";
import type { Lookups } from "./lookups.ts";
import { patchBetween } from "./patch.ts";
import { type Plan, type PlanSettings, plan } from "../injection/plan.ts";
import type { AdmissionRequest, AdmissionResponse } from "./review.ts";
import { findShapeProblem } from "../injection/shape.ts";
import { SKIP_REASONS } from "../injection/skip-reasons.ts";
import type { Warning } from "../injection/warnings.ts";

export interface AdmitDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  readonly lookups: Lookups;
  /** As of now; undefined until the trust bundle is known, without which no pod can be injected. */
  readonly settings: () => PlanSettings | undefined;
}

export interface Admission {
  readonly decision: Plan["decision"];
  readonly reason: Plan["reason"];
  readonly response: AdmissionResponse;
}

export type Admit = (request: AdmissionRequest) => Promise<Admission>;

export function createAdmit({ clock, log, audit, lookups, settings }: AdmitDeps): Admit {
  async function decide({ createsPod, namespace, object }: AdmissionRequest): Promise<PatchedPlan> {
    if (!createsPod) return letThrough(object as Pod);
    const wanted = settings();
    if (!wanted) throw new PodroleError("KUBERNETES_UNAVAILABLE", NO_BUNDLE);
    // A value that is no pod has no ServiceAccount to look up; plan() says what is wrong with it.
    const pod = object as Pod;
    const account = findShapeProblem(object) === undefined ? podFacts(pod, namespace).serviceAccount : "default";

    const known = await lookups.known(namespace, account);
    const first = plan({ pod, ...known }, wanted);
    const isFinal = first.decision === "inject" || known.live || IN_THE_POD_ALONE.has(first.reason);
    const planned = isFinal ? first : plan({ pod, ...(await lookups.live(namespace, account)) }, wanted);
    return { ...planned, patch: planned.decision === "inject" ? patchBetween(pod, planned.pod) : [] };
  }

  return async (request) => {
    const startedAt = clock.now();
    const planned = await decide(request).catch((thrown: unknown) => refusedBy(thrown, request, log));
    audit(admissionRecord(request, planned, clock.now() - startedAt));
    return { decision: planned.decision, reason: planned.reason, response: answer(request, planned) };
  };
}

const NO_BUNDLE = "Cannot inject podrole: the trust bundle is not known yet, wanted the server's ConfigMap";

/** Reasons that no second look at the surroundings would change. */
const IN_THE_POD_ALONE: ReadonlySet<Plan["reason"]> = new Set([
  "SYSTEM_NAMESPACE",
  "INJECTION_DISABLED",
  "MIRROR_POD",
  "NO_CONTAINER",
  "WINDOWS",
  "HOST_NETWORK",
  "REQUEST_INVALID",
  "ANNOTATION_INVALID",
  "CONTAINER_UNKNOWN",
] as const);

function letThrough(pod: Pod): PatchedPlan {
  const reason = "NOT_A_CREATION";
  return { decision: "skip", reason, message: SKIP_REASONS[reason], pod, warnings: [], roles: [], patch: [] };
}

function refusedBy(thrown: unknown, { uid, namespace, object }: AdmissionRequest, log: Log): PatchedPlan {
  const { code, message, cause } = toPodroleError(thrown);
  log.error({ code, err: cause, request: uid, namespace }, message);
  return { decision: "refuse", reason: code, message, pod: object as Pod, warnings: [], roles: [], patch: [] };
}

function answer({ uid }: AdmissionRequest, planned: PatchedPlan): AdmissionResponse {
  const { decision, reason, message, patch } = planned;
  const common = { uid, warnings: fitting(planned.warnings), auditAnnotations: auditAnnotations({ uid }, planned) };
  if (decision !== "refuse" || !isErrorCode(reason)) return { ...common, allowed: true, patch };
  // The code stands in the message as well: a controller's Event shows the message alone.
  const status = { code: ERRORS[reason].http, reason, message: clipped(`${reason}: ${message}`, LONGEST_MESSAGE) };
  return { ...common, allowed: false, status };
}

/** The message of an Event ends at 1024 characters, and the API server puts its own words before ours. */
const LONGEST_MESSAGE = 900;
/** The API server cuts a warning at 256 characters and drops what is beyond 4096 in all. */
const LONGEST_WARNING = 256;
const MOST_WARNINGS = 16;

function fitting(warnings: readonly Warning[]): readonly string[] {
  return warnings.slice(0, MOST_WARNINGS).map(({ text }) => clipped(text, LONGEST_WARNING));
}

function clipped(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}
