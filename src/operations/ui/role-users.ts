// Who could have a role: for each namespace, the decision on a pod in it that names the role, by the function that
// webhook and server decide with.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { ANNOTATIONS, optsIn } from "../../policy/annotations.ts";
import { decideRoles } from "../../policy/decide.ts";
import { inheritedFrom, type OwnMetadata } from "../../policy/inherited.ts";
import type { PolicySettings } from "../../policy/model.ts";
import { readExplainSettings } from "../explain/settings.ts";
import { allKnown, deriveKnown, type Known, readKnown } from "../known.ts";
import type { UiRoleUser } from "./model.ts";

/** A namespace as far as the decision reads it. */
interface NamedMetadata extends OwnMetadata {
  readonly metadata: OwnMetadata["metadata"] & { readonly name?: string };
}

/** Which role, and in which cluster. */
export interface RoleUserOptions {
  /** ARN, or a name that the settings resolve. */
  readonly role: string;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** podrole's own. */
  readonly podroleNamespace: string;
}

/** Returns the namespaces that permit the role first; within both kinds by name. */
export async function readRoleUsers(
  kubernetes: OperatorKubernetes,
  { role, namespace, podroleNamespace }: RoleUserOptions,
): Promise<Known<readonly UiRoleUser[]>> {
  const settings = await readKnown(() => readExplainSettings(kubernetes, podroleNamespace));
  const policy = "unknown" in settings ? settings : settings.value.policy;
  const namespaces = await readKnown(() => listNamespaces(kubernetes, namespace));
  return deriveKnown(allKnown({ policy, namespaces }), (known) =>
    known.namespaces
      .map((each) => roleUserOf(each, role, known.policy.plan.policy))
      .toSorted((a, b) => Number(b.isPermitted) - Number(a.isPermitted) || (a.namespace < b.namespace ? -1 : 1)),
  );
}

async function listNamespaces(
  kubernetes: OperatorKubernetes,
  only: string | undefined,
): Promise<readonly NamedMetadata[]> {
  if (only === undefined) return kubernetes.listAll<NamedMetadata>("namespaces");
  const found = await kubernetes.getNamespace(only);
  return found ? [found] : [];
}

/** The decision on a container of a pod that names the role. */
export function roleUserOf(namespace: NamedMetadata, role: string, policy: PolicySettings): UiRoleUser {
  const { name = "", labels } = namespace.metadata;
  const annotations = { [ANNOTATIONS.role]: role };
  const facts = { namespace: name, name: undefined, uid: undefined, serviceAccount: "default", annotations };
  const inherited = inheritedFrom(namespace, undefined);
  const { roles, refusal } = decideRoles({ ...facts, labels: {}, containers: ["app"] }, inherited, policy);
  const [decision] = roles;
  const why = refusal ?? decision?.refusal;
  const isPermitted = decision?.outcome === "allowed";
  return {
    namespace: name,
    isLabelled: optsIn(labels),
    isPermitted,
    ...(!isPermitted && why && { why: why.message }),
  };
}
