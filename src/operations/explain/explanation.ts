// Decides what podrole does with a pod, and why: with plan(), as at admission, for the pod's namespace, ServiceAccount
// and the installed settings; of a pod that exists, first what it is. Pure.
import { type NamespaceLimits, NO_LIMITS } from "../../injection/namespace-limits.ts";
import { isInjected } from "../../injection/parts.ts";
import { type Plan, plan } from "../../injection/plan.ts";
import { applyRangeDefaults } from "../../injection/range-defaults.ts";
import { readPod } from "../../injection/shape.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";
import { ANNOTATIONS, INJECT_ENABLED, LABELS, valueOf } from "../../policy/annotations.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import { deriveKnown, type Known, type Unknown } from "../known.ts";
import { UNREGISTERED } from "../uninjected-cause.ts";
import { diagnosePod } from "./cause.ts";
import { explainDecided } from "./decided-containers.ts";
import { describeExisting, findResolvedProblem, findRoleDifferences } from "./existing-pod.ts";
import type { ExplainInput, ExplainPolicy, ExplainSettings, Explanation } from "./model.ts";
import { findObstacle, hasNoWebhook } from "./obstacles.ts";

/** Returns what the webhook and the server decide about the pod, and what it is now if it exists. */
export function explainPod(input: ExplainInput, settings: ExplainSettings): Explanation {
  const { missingRights = [] } = input;
  if ("unknown" in settings.policy) return explainWithoutDecision(input, settings, settings.policy);
  if (missingRights.length > 0) {
    return explainWithoutDecision(input, settings, { unknown: "", needs: missingRights });
  }
  return explainDecision(input, settings, settings.policy.value);
}

function explainDecision(input: ExplainInput, settings: ExplainSettings, policy: ExplainPolicy): Explanation {
  const { pod, exists, namespaceName, namespace, serviceAccount, failure } = input;
  const { labels = {}, annotations = {} } = namespace?.metadata ?? {};
  const limits = input.limits && "value" in input.limits ? input.limits.value : NO_LIMITS;
  const serviceAccountAnnotations = serviceAccount?.metadata.annotations ?? {};
  const { envSources = new Map() } = input;
  const admitted = asAdmitted(input, limits);
  const planIn = (namespaceLabels: Readonly<Record<string, string>>) => {
    const place = { name: namespaceName, labels: namespaceLabels, annotations, limits };
    return plan({ pod: admitted, namespace: place, serviceAccountAnnotations, envSources }, policy.plan);
  };
  const planned = planIn(labels);
  const { decision, reason, message, warnings } = planned;
  const now: Explanation["now"] = { decision, reason, message, warnings: warnings.map(({ text }) => text) };
  const containers = explainDecided(input, planned, policy);
  const described = exists ? describeExisting(input, settings) : undefined;
  const differences = described ? findRoleDifferences(described, containers) : [];
  const existing = described && { ...described, ...(differences.length > 0 && { differences }) };
  const isSent = isSentToWebhook(input, settings);
  const wouldBe = decision === "inject" && namespace !== undefined && (!("value" in isSent) || isSent.value);
  const planLabelled = () => planIn({ ...labels, ...INJECT_LABEL });
  const obstacles = findObstacle({ input, settings, planned, isSent, planLabelled });
  return {
    object: objectText(input),
    injected: exists ? isInjected(pod) && decision === "inject" : wouldBe,
    now,
    ...obstacles,
    ...(existing && { existing }),
    ...(failure !== undefined && { failure }),
    containers,
    ...diagnosePod({ input, settings, now, existing, planned, containers, ...obstacles }),
    ...("unknown" in isSent && { undecided: true }),
    notes: [
      ...notesOnObjects(input),
      ...notesOnLimits(input, decision),
      ...(decision === "inject" ? notesOnProof(annotations, policy) : []),
      ...notesOnWebhook(settings, isSent, decision),
      ...settings.assumptions,
    ],
    settings: settings.sources,
  };
}

const INJECT_LABEL = { [LABELS.inject]: INJECT_ENABLED };

/** The pod as the webhook receives it: an existing pod has the defaults of the LimitRanges already. */
function asAdmitted({ pod, exists }: ExplainInput, { ranges }: NamespaceLimits): Pod {
  const read = readPod(pod);
  return exists || !read.ok ? pod : applyRangeDefaults(read.value, ranges);
}

/** The pod's state is known without the settings; what would be done now is not. */
function explainWithoutDecision(input: ExplainInput, settings: ExplainSettings, unknown: Unknown): Explanation {
  const { pod, exists, failure } = input;
  const isSent = isSentToWebhook(input, settings);
  const needs = [...new Set([...(unknown.needs ?? []), ...(input.missingRights ?? [])])];
  const now: Explanation["now"] = {
    decision: "unknown",
    reason: "SETTINGS_UNREADABLE",
    message: cannotTell({ ...unknown, needs }),
    warnings: [],
  };
  const existing = exists ? describeExisting(input, settings) : undefined;
  return {
    object: objectText(input),
    injected: exists && isInjected(pod),
    now,
    ...(existing && { existing }),
    ...(failure !== undefined && { failure }),
    containers: [],
    ...diagnosePod({ input, settings, now, existing, containers: [] }),
    notes: [...notesOnObjects(input), ...("unknown" in isSent ? [] : notesOnWebhook(settings, isSent, now.decision))],
    settings: [],
  };
}

/** "cannot tell: needs get on configmaps in namespace podrole", or the reason if it is no missing permission. */
function cannotTell({ unknown, needs = [] }: Unknown): string {
  return `cannot tell: ${needs.length > 0 ? `needs ${needs.join(", ")}` : unknown}`;
}

function objectText({ kind, name, namespaceName }: ExplainInput): string {
  return `${kind.toLowerCase()}/${name} in namespace ${namespaceName}`;
}

/**
 * Whether the pod has what it needs: true if its sidecar is ready, or if a new pod would be injected; undefined if the
 * caller may not read what decides.
 */
export function isWell({ injected, existing: pod, now, failure, undecided }: Explanation): boolean | undefined {
  const phase = pod?.state?.phase;
  if ((phase !== undefined && phase !== "ready") || failure !== undefined) return false;
  const isUndecided = now.decision === "unknown" || (now.decision === "inject" && undecided);
  return isUndecided && pod === undefined ? undefined : injected;
}

function notesOnObjects({ namespace, namespaceName, serviceAccount, pod, exists, missingRights = [] }: ExplainInput) {
  const changed = exists ? findResolvedProblem(pod) : undefined;
  const account = serviceAccountOf(pod.spec);
  if (missingRights.length > 0) return changed === undefined ? [] : [changed];
  return [
    ...(changed === undefined ? [] : [changed]),
    ...(namespace ? [] : [`namespace "${namespaceName}" does not exist; assumed: no label and no annotations`]),
    ...(serviceAccount ? [] : [`ServiceAccount "${account}" does not exist; assumed: no annotations`]),
  ];
}

/** Says which proof a new pod gets, where the server decides it. */
function notesOnProof(
  namespaceAnnotations: Readonly<Record<string, string>>,
  { publishedSupport }: ExplainPolicy,
): readonly string[] {
  if (publishedSupport === undefined || valueOf(namespaceAnnotations, ANNOTATIONS.podCertificates) !== undefined) {
    return [];
  }
  if ("unknown" in publishedSupport)
    return [`whether a new pod gets a pod certificate: ${cannotTell(publishedSupport)}`];
  const { value } = publishedSupport;
  const proof = value === "on" ? "a pod certificate" : "a token";
  const published = value === undefined ? "has published nothing yet" : `has published "${value}"`;
  return [`a new pod gets ${proof}: --pod-certificates is auto, and the server ${published}`];
}

function notesOnLimits({ limits }: ExplainInput, decision: Plan["decision"]): readonly string[] {
  return decision === "inject" && limits && "unknown" in limits
    ? [`whether the namespace's LimitRanges and ResourceQuotas have room for podrole-sidecar: ${cannotTell(limits)}`]
    : [];
}

/** Whether the API server calls one of podrole's webhooks for this pod. */
function isSentToWebhook({ namespaceName, namespace, pod }: ExplainInput, { webhooks }: ExplainSettings) {
  const labels = { ...namespace?.metadata.labels, "kubernetes.io/metadata.name": namespaceName };
  return deriveKnown(webhooks, (registered) =>
    registered.some(
      ({ namespaceSelector, objectSelector }) =>
        matchesLabels(namespaceSelector, labels) && matchesLabels(objectSelector, pod.metadata?.labels ?? {}),
    ),
  );
}

function notesOnWebhook(
  { webhooks }: ExplainSettings,
  isSent: Known<boolean>,
  decision: Explanation["now"]["decision"],
): readonly string[] {
  if ("unknown" in webhooks) {
    return [`whether the API server calls podrole's webhook for this pod: ${cannotTell(webhooks)}`];
  }
  // Otherwise, the explanation's obstacle says so.
  if (hasNoWebhook({ webhooks })) return decision === "unknown" ? [`${UNREGISTERED}: no pod is injected`] : [];
  if (decision === "inject") return [];
  return "value" in isSent && isSent.value
    ? []
    : ["the selectors of podrole's webhook configuration do not match this pod: the webhook is not called"];
}
