// Decides what podrole does with a pod, and why: with plan(), as at admission, for the pod's namespace, ServiceAccount
// and the installed settings. Pure.

import { participationOf } from "../../injection/mesh.ts";
import { PODROLE_NAMES } from "../../injection/names.ts";
import { isInjected } from "../../injection/parts.ts";
import { type Plan, type PlanSettings, plan } from "../../injection/plan.ts";
import { allContainers } from "../../injection/shape.ts";
import { hasFinished, type Namespace, type Pod, type ServiceAccount } from "../../kubernetes/objects.ts";
import { matchesLabels } from "../../kubernetes/selectors.ts";
import { participantsOf } from "../../policy/containers.ts";
import {
  assumeRoleInput,
  decideRoles,
  type PodFacts,
  type PolicySettings,
  type RoleDecision,
} from "../../policy/decide.ts";
import { podFacts, serviceAccountOf } from "../../policy/facts.ts";
import { inheritedFrom } from "../../policy/inherited.ts";
import { pinnedFacts } from "../../policy/pin.ts";
import { isRefusal } from "../../protocol/errors.ts";
import type { RegisteredWebhook } from "../check/facts.ts";
import { readSidecarState, type SidecarState } from "../sidecar-state.ts";

/** A pod and its surroundings. */
export interface ExplainInput {
  readonly kind: string;
  readonly name: string;
  /** The pod itself, or the one that a workload would create. */
  readonly pod: Pod;
  /** True for a pod of the cluster; false for workloads and manifests. */
  readonly exists: boolean;
  readonly namespaceName: string;
  /** Undefined if it does not exist. */
  readonly namespace: Namespace | undefined;
  readonly serviceAccount: ServiceAccount | undefined;
}

/** The installed settings, and what is assumed where they could not be read. */
export interface ExplainSettings {
  readonly plan: PlanSettings;
  /** The server's settings, which decide session names. */
  readonly sessions: PolicySettings;
  /** podrole's webhooks as they are registered with the API server. */
  readonly webhooks: readonly RegisteredWebhook[];
  /** Where the settings were read: "Deployment podrole-webhook". */
  readonly sources: readonly string[];
  /** What could not be read, and what is assumed instead. */
  readonly assumptions: readonly string[];
  /** Permissions without which the settings cannot be known: "list deployments in namespace podrole". */
  readonly missingRights: readonly string[];
}

/** Which role a container gets, or why it gets none. */
export interface ContainerExplanation {
  readonly container: string;
  /** ARN; absent if no role is named, or its name cannot be resolved. */
  readonly role?: string;
  readonly allowed: boolean;
  /** Not a denial: only the server can resolve the role name. */
  readonly undecided?: true;
  /** What names the role: container, pod, serviceAccount, namespace, default, or pin (--pin-roles). */
  readonly namedBy?: string;
  readonly sessionName?: string;
  readonly code?: string;
  /** Why it has no role, or not this one. */
  readonly message?: string;
}

/** What podrole does with a pod. Programs read the names of the fields, so they do not change. */
export interface Explanation {
  readonly object: string;
  /** True if an existing pod is injected, or if a new one would be. */
  readonly injected: boolean;
  /** What the webhook would do if the pod were created now; "unknown" if the caller may not read its settings. */
  readonly now: {
    readonly decision: Plan["decision"] | "unknown";
    readonly reason: Plan["reason"] | "SETTINGS_UNREADABLE";
    readonly message: string;
    readonly warnings: readonly string[];
  };
  /** Only for a pod that exists. */
  readonly existing?: {
    readonly injected: boolean;
    readonly since: string;
    readonly sidecar?: string;
    readonly sidecarNow?: string;
    /** Absent for a pod that has finished. */
    readonly state?: SidecarState;
  };
  readonly containers: readonly ContainerExplanation[];
  /** What may make the outcome differ from the plan. */
  readonly notes: readonly string[];
  readonly settings: readonly string[];
}

/** Returns what the webhook and the server decide about the pod. */
export function explainPod(input: ExplainInput, settings: ExplainSettings): Explanation {
  const { pod, exists, namespaceName, namespace, serviceAccount } = input;
  if (settings.missingRights.length > 0) return explainWithoutSettings(input, settings);
  const { labels = {}, annotations = {} } = namespace?.metadata ?? {};
  const planNamespace = { name: namespaceName, labels, annotations };
  const serviceAccountAnnotations = serviceAccount?.metadata.annotations ?? {};
  const planned = plan({ pod, namespace: planNamespace, serviceAccountAnnotations }, settings.plan);
  const { decision, reason, message, warnings } = planned;
  const notes = [...missingObjectNotes(input), ...notSelected(input, settings), ...settings.assumptions];
  const wouldBe = decision === "inject" && namespace !== undefined && isSentToWebhook(input, settings);
  return {
    object: objectText(input),
    injected: exists ? isInjected(pod) && decision === "inject" : wouldBe,
    now: { decision, reason, message, warnings: warnings.map(({ text }) => text) },
    ...(exists && { existing: describeExisting(pod, settings.plan.image) }),
    containers: explainDecided(input, planned, settings),
    notes,
    settings: settings.sources,
  };
}

/** The pod's state is known without the settings; what would be done now is not. */
function explainWithoutSettings(input: ExplainInput, { missingRights }: ExplainSettings): Explanation {
  const { pod, exists } = input;
  const message = `cannot tell: needs ${missingRights.join(", ")}`;
  return {
    object: objectText(input),
    injected: exists && isInjected(pod),
    now: { decision: "unknown", reason: "SETTINGS_UNREADABLE", message, warnings: [] },
    ...(exists && { existing: describeExisting(pod, undefined) }),
    containers: [],
    notes: missingObjectNotes(input),
    settings: [],
  };
}

function objectText({ kind, name, namespaceName }: ExplainInput): string {
  return `${kind.toLowerCase()}/${name} in namespace ${namespaceName}`;
}

/**
 * Whether the pod has what it needs: true if its sidecar is ready, or if a new pod would be injected; undefined if the
 * caller may not read what decides.
 */
export function isWell({ injected, existing: pod, now }: Explanation): boolean | undefined {
  const phase = pod?.state?.phase;
  if (phase !== undefined && phase !== "ready") return false;
  return now.decision === "unknown" && pod === undefined ? undefined : injected;
}

/** With --pin-roles, the pin of an injected pod decides, and not what its annotations say now. */
function explainDecided(
  input: ExplainInput,
  planned: Plan,
  settings: ExplainSettings,
): readonly ContainerExplanation[] {
  const { pod, exists, namespaceName, namespace, serviceAccount } = input;
  if (!(settings.sessions.pinRoles && exists && isInjected(pod))) {
    return planned.decision === "skip"
      ? []
      : explainContainers(pod, podFacts(pod, namespaceName), planned.roles, settings);
  }
  const facts = pinnedFacts(podFacts(pod, namespaceName));
  if (isRefusal(facts)) {
    const { code, message } = facts;
    return podFacts(pod, namespaceName).containers.map((container) => ({ container, allowed: false, code, message }));
  }
  const inherited = inheritedFrom(namespace, serviceAccount);
  const { roles } = decideRoles(facts, inherited, settings.sessions);
  return explainContainers(pod, facts, roles, settings).map(byPin);
}

function byPin(explained: ContainerExplanation): ContainerExplanation {
  return explained.namedBy === undefined
    ? { ...explained, message: "the pod's pin does not name it" }
    : { ...explained, namedBy: "pin" };
}

function missingObjectNotes({ namespace, namespaceName, serviceAccount, pod }: ExplainInput): readonly string[] {
  const account = serviceAccountOf(pod.spec);
  return [
    ...(namespace ? [] : [`namespace "${namespaceName}" does not exist; assumed: no label and no annotations`]),
    ...(serviceAccount ? [] : [`ServiceAccount "${account}" does not exist; assumed: no annotations`]),
  ];
}

/** Whether the API server calls one of podrole's webhooks for this pod. */
function isSentToWebhook({ namespaceName, namespace, pod }: ExplainInput, { webhooks }: ExplainSettings): boolean {
  const labels = { ...namespace?.metadata.labels, "kubernetes.io/metadata.name": namespaceName };
  return webhooks.some(
    ({ namespaceSelector, objectSelector }) =>
      matchesLabels(namespaceSelector, labels) && matchesLabels(objectSelector, pod.metadata?.labels ?? {}),
  );
}

function notSelected(input: ExplainInput, settings: ExplainSettings): readonly string[] {
  if (settings.webhooks.length === 0) return ["podrole's webhook is not registered: no pod is injected"];
  return isSentToWebhook(input, settings)
    ? []
    : ["the selectors of podrole's webhook configuration do not match this pod: the webhook is not called"];
}

/** `image`: the sidecar's image in new pods, if it is known. */
function describeExisting(pod: Pod, image: string | undefined): NonNullable<Explanation["existing"]> {
  const sidecar = allContainers(pod).find(({ name }) => name === PODROLE_NAMES.sidecar)?.image;
  return {
    injected: isInjected(pod),
    since: pod.metadata.creationTimestamp ?? "",
    ...(sidecar !== undefined && { sidecar }),
    ...(sidecar !== undefined && image !== undefined && sidecar !== image && { sidecarNow: image }),
    ...(isInjected(pod) && !hasFinished(pod) && { state: readSidecarState(pod) }),
  };
}

function explainContainers(
  pod: Pod,
  facts: PodFacts,
  roles: readonly RoleDecision[],
  { sessions }: ExplainSettings,
): readonly ContainerExplanation[] {
  const participants = participantsOf(facts);
  const participates = participationOf(pod);
  const ofMesh = new Set(allContainers(pod).flatMap((each) => (participates(each) ? [] : each.name)));
  return facts.containers.map((container) => {
    const decision = roles.find((role) => role.container === container);
    if (decision) return explainRole(decision, facts, sessions);
    const isLeftOut = !isRefusal(participants) && !participants.includes(container);
    if (isLeftOut) return { container, allowed: false, message: "podrole.io/containers does not list it" };
    const message = ofMesh.has(container)
      ? "it belongs to a service mesh, and no annotation of the pod names it"
      : "no annotation or setting names a role for it";
    return { container, allowed: false, message };
  });
}

function explainRole(decision: RoleDecision, facts: PodFacts, sessions: PolicySettings): ContainerExplanation {
  const { container, origin: namedBy } = decision;
  const common = { container, namedBy, ...(decision.role && { role: decision.role.arn }) };
  if (decision.outcome !== "allowed") {
    const { code, message } = decision.refusal;
    const state = decision.outcome === "undecided" ? ({ undecided: true } as const) : { code };
    return { ...common, allowed: false, ...state, message };
  }
  const input = assumeRoleInput(facts, decision.role, sessions, "deferred");
  return isRefusal(input)
    ? { ...common, allowed: false, code: input.code, message: input.message }
    : { ...common, allowed: true, sessionName: input.sessionName };
}
