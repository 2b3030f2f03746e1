// Which role each container of a pod gets by the decision of now, or why it gets none. Pure.
import { isInjected } from "../../injection/parts.ts";
import type { Plan } from "../../injection/plan.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import { listedContainers, participantsOf, participationIn } from "../../policy/containers.ts";
import {
  assumeRoleInput,
  decideRoles,
  type PodFacts,
  type PolicySettings,
  type RoleDecision,
} from "../../policy/decide.ts";
import { podFacts } from "../../policy/facts.ts";
import { inheritedFrom } from "../../policy/inherited.ts";
import { pinnedFacts } from "../../policy/pin.ts";
import { isRefusal } from "../../protocol/errors.ts";
import type { ContainerExplanation, ExplainInput, ExplainPolicy } from "./model.ts";

/**
 * Returns the decision on each container. With --pin-roles, the pin of an injected pod decides, and not what its
 * annotations say now.
 */
export function explainDecided(
  input: ExplainInput,
  planned: Plan,
  settings: ExplainPolicy,
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

const MESH_CONTAINER = "it belongs to a service mesh, and no annotation of the pod names it";

function explainContainers(
  pod: Pod,
  facts: PodFacts,
  roles: readonly RoleDecision[],
  { sessions }: ExplainPolicy,
): readonly ContainerExplanation[] {
  // A list that is refused says nothing about a container.
  const isListUsable = !isRefusal(participantsOf(facts));
  const listed = listedContainers(facts.annotations);
  const participates = participationIn(pod.metadata.annotations ?? {});
  return facts.containers.map((container) => {
    const decision = roles.find((role) => role.container === container);
    if (decision) return explainRole(decision, facts, sessions);
    if (isListUsable && listed?.has(container) === false)
      return { container, allowed: false, message: "podrole.io/containers does not list it" };
    if (!participates(container)) return { container, allowed: false, message: MESH_CONTAINER };
    return { container, allowed: false, message: "no annotation or setting names a role for it" };
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
