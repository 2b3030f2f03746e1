// The webhook's use case, step by step: read the pod → look up its context → plan → patch → record → answer. It never
// throws: every failure is a denial with a code, because a pod without its sidecar would use the node's role. Its
// record is its only side effect (sideEffects: None), so a dry run needs no special case.
import { type Plan, type PlanSettings, plan } from "../injection/plan.ts";
import { bearsOwnNames } from "../injection/reserved.ts";
import { readPod } from "../injection/shape.ts";
import { markedReason, SKIP_REASONS } from "../injection/skip-reasons.ts";
import type { Pod } from "../kubernetes/objects.ts";
import { LABELS } from "../policy/annotations.ts";
import { serviceAccountOf } from "../policy/facts.ts";
import { ERRORS, PodroleError, toPodroleError, withRemedy } from "../protocol/errors.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Audit, Log } from "../runtime/log.ts";
import { createSampler, sampledFields } from "../runtime/sampler.ts";
import { admissionRecord, auditAnnotations, type PatchedPlan } from "./audit.ts";
import type { PodContext, PodContextReader } from "./lookups.ts";
import { type Operation, patchBetween, patchText, removalPatch } from "./patch.ts";
import type { AdmissionRequest, AdmissionResponse } from "./review.ts";
import { createSkipSampler } from "./skip-sampler.ts";
import { warningTexts } from "./warning-texts.ts";

/** What the use case reads, and where it records. */
export interface AdmissionHandlerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  readonly lookups: PodContextReader;
  /** Returns the current settings; undefined until the trust bundle is known, without which no pod can be injected. */
  readonly settings: () => PlanSettings | undefined;
}

/** The answer, and the decision for metrics. */
export interface Admission {
  readonly decision: Plan["decision"];
  readonly reason: Plan["reason"];
  readonly response: AdmissionResponse;
}

/** Never rejects. */
export type Admit = (request: AdmissionRequest) => Promise<Admission>;

/** Creates the use case from what it reads and where it records. */
export function createAdmissionHandler({ clock, log, audit, lookups, settings }: AdmissionHandlerDeps): Admit {
  const skips = createSkipSampler({ clock });
  const failures = createSampler({ clock });

  async function decide({ createsPod, namespace, object }: AdmissionRequest): Promise<PatchedPlan> {
    if (!createsPod) return PASSED_UNCHANGED;
    const current = settings();
    if (!current) throw new PodroleError("KUBERNETES_UNAVAILABLE", NO_BUNDLE);
    const read = readPod(object);
    // A value that is not a pod has no ServiceAccount to look up; plan() refuses it.
    const account = read.ok ? serviceAccountOf(read.value.spec) : "default";

    const review = lookups.forReview(namespace, account);
    let context = await review.cached();
    let planned = plan({ pod: object, ...context }, current);
    for (let stale = staleParts(planned, context); stale !== undefined; stale = staleParts(planned, context)) {
      context = await review.live(stale);
      planned = plan({ pod: object, ...context }, current);
    }
    return { ...planned, patch: read.ok ? patchText(patchOf(read.value, planned)) : undefined };
  }

  /** A refusal that follows from the request itself is no failure, and its audit record says all about it. */
  function refuseAfter(thrown: unknown, { uid, namespace }: AdmissionRequest): PatchedPlan {
    const { code, message, cause } = toPodroleError(thrown);
    const omitted = ERRORS[code].http >= 500 ? failures.take(code) : undefined;
    if (omitted !== undefined) {
      log.error({ code, err: cause, request: uid, namespace, ...sampledFields(omitted) }, message);
    }
    return { decision: "refuse", reason: code, message, warnings: [], roles: [], patch: undefined };
  }

  return async (request) => {
    const startedAt = clock.elapsedMs();
    const planned = await decide(request).catch((thrown: unknown) => refuseAfter(thrown, request));
    const isSkippedUnproven = planned.decision === "skip" && request.caller !== "api-server";
    const isSampled = isSkippedUnproven && !createsPodWithOwnNames(request);
    const omitted = isSampled ? skips.take(request.namespace) : 0;
    if (omitted !== undefined) {
      const record = admissionRecord(request, planned, Math.round(clock.elapsedMs() - startedAt));
      audit({ ...record, ...sampledFields(omitted) });
    }
    return { decision: planned.decision, reason: planned.reason, response: responseFor(request, planned) };
  };
}

/**
 * Returns true for the creation of a pod that has podrole's label or containers. Such a pod may get credentials
 * although it is skipped, and then only this record names its creator.
 */
function createsPodWithOwnNames({ createsPod, object }: AdmissionRequest): boolean {
  const read = readPod(object);
  return createsPod && read.ok && bearsOwnNames(read.value);
}

/**
 * Returns what to read live before a skip or a refusal counts, because it follows from caches that may lag behind;
 * undefined for a final decision.
 */
function staleParts(planned: Plan, { isLive, areLimitsLive }: PodContext): { readonly limits: boolean } | undefined {
  if (planned.decision === "inject" || planned.basis === "pod") return undefined;
  if (planned.reason === "LIMITS_CONFLICT") return areLimitsLive ? undefined : { limits: true };
  return isLive ? undefined : { limits: false };
}

function patchOf(pod: Pod, planned: Plan): readonly Operation[] {
  if (planned.decision === "inject") return patchBetween(pod, planned.pod);
  if (planned.decision === "refuse") return [];
  const marked = withSkipLabel(planned.pod ?? pod, planned);
  return planned.pod ? removalPatch(pod, marked) : patchBetween(pod, marked);
}

/**
 * Labels a skipped pod whose role has no effect with the reason. kubectl prints the warning about it to the creator of
 * the pod, which for most pods is a controller; by the label, operators and the server find the pod
 * (../server/issue/skipped-pods.ts), and neither the webhook nor the server needs a further right for it.
 */
function withSkipLabel(pod: Pod, { reason, warnings }: Plan): Pod {
  const marked = markedReason(reason);
  if (marked === undefined || !warnings.some(({ code }) => code === "ROLE_IGNORED")) return pod;
  const { metadata } = pod;
  return { ...pod, metadata: { ...metadata, labels: { ...metadata.labels, [LABELS.skipped]: marked } } };
}

const NO_BUNDLE = "Cannot inject podrole: the trust bundle is not known yet; expected it in the server's ConfigMap";

const PASSED_UNCHANGED: PatchedPlan = {
  decision: "skip",
  reason: "NOT_A_CREATION",
  message: SKIP_REASONS.NOT_A_CREATION,
  warnings: [],
  roles: [],
  patch: undefined,
};

function responseFor({ uid }: AdmissionRequest, planned: PatchedPlan): AdmissionResponse {
  const { message, patch } = planned;
  const common = {
    uid,
    warnings: warningTexts(planned.warnings),
    auditAnnotations: auditAnnotations({ uid }, planned),
  };
  if (planned.decision !== "refuse") return { ...common, allowed: true, patch };
  const { reason } = planned;
  // The message repeats the code, because a controller's Event shows the message alone.
  const status = {
    code: ERRORS[reason].http,
    reason,
    message: withRemedy({ code: reason, message }, MAX_EVENT_TEXT_BYTES),
  };
  return { ...common, allowed: false, status };
}

/** An Event's message has at most 1024 characters, and the API server puts a prefix before ours. */
const MAX_EVENT_TEXT_BYTES = 900;
