// Decides on the containers of one request: find the pod → decide its roles → confirm refusals. A watch may be behind,
// and the webhook has admitted pods by a live look-up; so a refusal that follows from a cache counts only if the API
// server confirms it. If it cannot be reached, the error is retryable, and sidecars keep the credentials that they
// have.
import type { PodIdentity } from "../../pki/identity.ts";
import { quoted } from "../../policy/annotations.ts";
import { type AssumeRoleInput, assumeRoleInput, decideRoles, type PolicySettings } from "../../policy/decide.ts";
import { pinnedFacts } from "../../policy/pin.ts";
import type { RoleArn } from "../../policy/role.ts";
import { isRefusal, type Refusal, refuse, toPodroleError } from "../../protocol/errors.ts";
import type { PodDirectory, PodInContext } from "./pod-directory.ts";

/**
 * The decision on one container of the request; `found` is what a permitted role was decided from, `input` its session
 * without the policy of a ConfigMap. `isUnknown`: the pod does not have the container.
 */
export type ContainerDecision = { readonly container: string } & (
  | { readonly role: RoleArn; readonly found: PodInContext; readonly input: AssumeRoleInput }
  | { readonly refusal: Refusal; readonly isUnknown: boolean }
);

/** Decides on the given containers of a pod; the same pod with the same settings has the same decisions. */
export type JudgeContainers = (found: PodInContext, containers: readonly string[]) => readonly ContainerDecision[];

export interface DecideContainersDeps {
  readonly directory: Pick<PodDirectory, "find" | "confirm">;
  readonly judge: JudgeContainers;
}

/** A sidecar asks for the same containers all day long. */
const MAX_REMEMBERED = 2;
/** Pods have so many containers with a role at most, but for few. A longer list is decided anew each time. */
const MAX_REMEMBERED_CONTAINERS = 8;

/**
 * Creates the judge. It remembers its decisions until the pod, its namespace, its ServiceAccount or the settings
 * change: a pod renews all day long.
 */
export function createJudge(policy: () => PolicySettings): JudgeContainers {
  interface Remembered {
    readonly settings: PolicySettings;
    readonly byContainers: Map<string, readonly ContainerDecision[]>;
  }
  const remembered = new WeakMap<PodInContext, Remembered>();
  return (found, containers) => {
    const settings = policy();
    let known = remembered.get(found);
    if (known?.settings !== settings) known = { settings, byContainers: new Map() };
    remembered.set(found, known);
    const key = JSON.stringify(containers);
    const decisions = known.byContainers.get(key) ?? judgeAll(found, containers, settings);
    // A caller may name any containers, and change the names with each call.
    if (containers.length > MAX_REMEMBERED_CONTAINERS || decisions.some(isOfUnknown)) return decisions;
    if (known.byContainers.size >= MAX_REMEMBERED) known.byContainers.clear();
    known.byContainers.set(key, decisions);
    return decisions;
  };
}

const isOfUnknown = (decision: ContainerDecision) => "isUnknown" in decision && decision.isUnknown;

/**
 * Resolves with one decision per container, or with why the whole pod is refused. Rejects with KUBERNETES_UNAVAILABLE
 * if the pod cannot be looked up, or its refusal cannot be confirmed.
 */
export async function decideContainers(
  { directory, judge: judgeFound }: DecideContainersDeps,
  identity: PodIdentity,
  containers: readonly string[],
): Promise<readonly ContainerDecision[] | Refusal> {
  const judge = (found: PodInContext | Refusal) => (isRefusal(found) ? found : judgeFound(found, containers));
  const first = judge(await directory.find(identity));
  if (!isRefusal(first) && first.every((decision) => "role" in decision)) return first;
  try {
    return judge(await directory.confirm(identity));
  } catch (thrown) {
    if (isRefusal(first)) throw thrown;
    const refusal = toPodroleError(thrown);
    return first.map((decision) => {
      if ("role" in decision) return decision;
      const { container, isUnknown } = decision;
      return { container, refusal, isUnknown };
    });
  }
}

/** Returns what the decision reads: with --pin-roles, the pod as its pin describes it, or ROLE_UNPINNED. */
function asPinned(found: PodInContext, { pinRoles }: PolicySettings): PodInContext | Refusal {
  if (!pinRoles) return found;
  const facts = pinnedFacts(found.facts);
  return isRefusal(facts) ? facts : { ...found, facts };
}

function judgeAll(
  given: PodInContext,
  containers: readonly string[],
  policy: PolicySettings,
): readonly ContainerDecision[] {
  const found = asPinned(given, policy);
  const present = new Set(given.facts.containers);
  const refused = (container: string, refusal: Refusal): ContainerDecision => {
    return { container, refusal, isUnknown: !present.has(container) };
  };
  if (isRefusal(found)) return containers.map((container) => refused(container, found));
  const { roles, refusal } = decideRoles(found.facts, found.inherited, policy, containers);
  const decisions = new Map(roles.map((decision) => [decision.container, decision]));
  return containers.map((container) => {
    if (refusal) return refused(container, refusal);
    const decision = decisions.get(container);
    if (!decision) return refused(container, noRole(found, container));
    if (decision.outcome !== "allowed") return refused(container, decision.refusal);
    // An annotation that cannot be followed is a refusal as well. The session policy is read later.
    const input = assumeRoleInput(found.facts, decision.role, policy, "deferred");
    return isRefusal(input) ? refused(container, input) : { container, role: decision.role, found, input };
  });
}

function noRole({ facts: { namespace, name } }: PodInContext, container: string): Refusal {
  return refuse(
    "ROLE_MISSING",
    `Cannot issue credentials to container ${quoted(container)} of pod "${namespace}/${name}": no role applies to it; expected iam.amazonaws.com/role on the pod, its ServiceAccount or its namespace`,
  );
}
