// What podrole does with a pod, and why: plan() and decideRoles() as at admission, with the cluster's own surroundings and
// settings. Pure.
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import { assumeRoleInput, type PodFacts, type PolicySettings, type RoleDecision } from "../../policy/decide.ts";
import { participantsOf } from "../../policy/containers.ts";
import { podFacts } from "../../policy/facts.ts";
import { NAMES } from "../../injection/names.ts";
import { type Plan, type PlanSettings, plan } from "../../injection/plan.ts";
import { isMarked } from "../../injection/reserved.ts";
import { allContainers } from "../../injection/shape.ts";
import type { RegisteredWebhook } from "../check/facts.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";

export interface ExplainInput {
  readonly kind: string;
  readonly name: string;
  /** The pod itself, or the one that a workload would make. */
  readonly pod: Pod;
  /** Whether it is a pod that exists. */
  readonly exists: boolean;
  readonly namespaceName: string;
  /** Undefined when there is none of this name (yet). */
  readonly namespace: Namespace | undefined;
  readonly serviceAccount: ServiceAccount | undefined;
}

export interface ExplainSettings {
  readonly plan: PlanSettings;
  /** The server's, which name sessions. */
  readonly sessions: PolicySettings;
  /** podrole's webhooks as the API server has them. */
  readonly webhooks: readonly RegisteredWebhook[];
  /** Where the settings were read, for a person. */
  readonly sources: readonly string[];
  /** What could not be read and was assumed. */
  readonly assumptions: readonly string[];
}

export interface ContainerExplanation {
  readonly container: string;
  /** ARN, when one is named and can be resolved. */
  readonly role?: string;
  readonly allowed: boolean;
  /** Not a denial: only the server can resolve the role name. */
  readonly undecided?: true;
  /** Where the role was named: container, pod, serviceAccount, namespace or default. */
  readonly namedBy?: string;
  readonly sessionName?: string;
  readonly code?: string;
  /** Why it has no role, or not this one. */
  readonly message?: string;
}

export interface Explanation {
  readonly object: string;
  /** An existing pod carries podrole, or one that is created now would. */
  readonly injected: boolean;
  /** What the webhook would do with the pod if it were created now. */
  readonly now: Pick<Plan, "decision" | "reason" | "message"> & { readonly warnings: readonly string[] };
  /** Of a pod that exists. */
  readonly existing?: {
    readonly injected: boolean;
    readonly since: string;
    readonly sidecar?: string;
    readonly sidecarNow?: string;
  };
  readonly containers: readonly ContainerExplanation[];
  /** What stands between the plan and its execution. */
  readonly notes: readonly string[];
  readonly settings: readonly string[];
}

export function explain(input: ExplainInput, settings: ExplainSettings): Explanation {
  const { kind, name, pod, exists, namespaceName, namespace, serviceAccount } = input;
  const { labels = {}, annotations = {} } = namespace?.metadata ?? {};
  const around = { name: namespaceName, labels, annotations };
  const serviceAccountAnnotations = serviceAccount?.metadata.annotations ?? {};
  const planned = plan({ pod, namespace: around, serviceAccountAnnotations }, settings.plan);
  const { decision, reason, message, warnings } = planned;
  const notes = [...missing(input), ...notAsked(input, settings), ...settings.assumptions];
  const willBe = decision === "inject" && namespace !== undefined && isAsked(input, settings);
  return {
    object: `${kind.toLowerCase()}/${name} in namespace ${namespaceName}`,
    injected: exists ? isMarked(pod) && decision === "inject" : willBe,
    now: { decision, reason, message, warnings: warnings.map(({ text }) => text) },
    ...(exists && { existing: existing(pod, settings.plan) }),
    containers: decision === "skip" ? [] : explainContainers(pod, namespaceName, planned.roles, settings),
    notes,
    settings: settings.sources,
  };
}

function missing({ namespace, namespaceName, serviceAccount, pod }: ExplainInput): readonly string[] {
  const account = pod.spec?.serviceAccountName || "default";
  return [
    ...(namespace
      ? []
      : [`there is no namespace "${namespaceName}" yet: it counts as one without label and annotations`]),
    ...(serviceAccount ? [] : [`there is no ServiceAccount "${account}" yet: it counts as one without annotations`]),
  ];
}

/** Whether the API server asks a webhook of podrole's about pods of this namespace. */
function isAsked({ namespaceName, namespace, pod }: ExplainInput, { webhooks }: ExplainSettings): boolean {
  const labels = { ...namespace?.metadata.labels, "kubernetes.io/metadata.name": namespaceName };
  return webhooks.some(
    ({ namespaceSelector, objectSelector }) =>
      matchesLabels(namespaceSelector, labels) && matchesLabels(objectSelector, pod.metadata?.labels ?? {}),
  );
}

function notAsked(input: ExplainInput, settings: ExplainSettings): readonly string[] {
  if (settings.webhooks.length === 0) return ["no webhook of podrole's is registered: nothing is injected"];
  return isAsked(input, settings)
    ? []
    : ["the selectors of podrole's webhook configuration do not take this pod: the webhook is not asked"];
}

function existing(pod: Pod, { image }: PlanSettings): NonNullable<Explanation["existing"]> {
  const sidecar = allContainers(pod).find(({ name }) => name === NAMES.sidecar)?.image;
  return {
    injected: isMarked(pod),
    since: pod.metadata.creationTimestamp ?? "",
    ...(sidecar !== undefined && { sidecar }),
    ...(sidecar !== undefined && sidecar !== image && { sidecarNow: image }),
  };
}

function explainContainers(
  pod: Pod,
  namespace: string,
  roles: readonly RoleDecision[],
  { sessions }: ExplainSettings,
): readonly ContainerExplanation[] {
  const facts = podFacts(pod, namespace);
  const participants = participantsOf(facts);
  return facts.containers.map((container) => {
    const decision = roles.find((role) => role.container === container);
    if (decision) return explainRole(decision, facts, sessions);
    const left = !("code" in participants) && !participants.includes(container);
    const message = left ? "podrole.io/containers leaves it out" : "no role is named for it, or it is a mesh's";
    return { container, allowed: false, message };
  });
}

function explainRole(decision: RoleDecision, facts: PodFacts, sessions: PolicySettings): ContainerExplanation {
  const { container, origin: namedBy } = decision;
  const common = { container, namedBy, ...(decision.role && { role: decision.role.arn }) };
  if (!decision.allowed) {
    const { code, message, undecided } = decision;
    return { ...common, allowed: false, ...(undecided && { undecided }), code, message };
  }
  const input = assumeRoleInput(facts, decision.role, sessions, "unread");
  return "code" in input
    ? { ...common, allowed: false, code: input.code, message: input.message }
    : { ...common, allowed: true, sessionName: input.sessionName };
}
