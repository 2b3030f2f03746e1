// Which roles a namespace permits before and after, over all roles that the input names: kiam reads `a|b` as "begins
// with a, or ends with b", kube2iam's expressions match anywhere and its default permits everything, while podrole
// anchors each expression as a whole and permits nothing that no annotation permits.
import { ANNOTATIONS, valueOf } from "../../../policy/annotations.ts";
import { decideRoles, type PodFacts, type PolicySettings } from "../../../policy/decide.ts";
import { compileExpression } from "../../../policy/expression.ts";
import { parseRoleArn } from "../../../policy/role.ts";
import type { NamespaceFacts } from "../input/inventory.ts";
import type { Predecessor } from "../predecessor/predecessor.ts";
import { type Remedy, remediesFor } from "./permission-remedies.ts";

/** How the roles that a namespace permits change. */
export interface PermissionChange {
  readonly namespace: string;
  /** The present annotations, such as "iam.amazonaws.com/permitted: ^a|b$"; undefined if there is none. */
  readonly stated: string | undefined;
  /** Roles that the predecessor permits and podrole does not; those that pods of this namespace request come first. */
  readonly lost: readonly RoleUse[];
  /** Roles that podrole permits and the predecessor does not. */
  readonly gained: readonly RoleUse[];
  /** Permitted by neither, although their names match: kiam 3 matched names, kiam 4 and podrole match ARNs. */
  readonly byName: readonly RoleUse[];
  /** Commands, each a way to keep the roles that pods have today; empty if no pod would lose its role. */
  readonly remedies: readonly Remedy[];
}

/** A role, and how many pods use it. */
export interface RoleUse {
  readonly arn: string;
  /** Pods of this namespace that request it. */
  readonly pods: number;
}

/** Roles that pods of the input request. */
export interface RequestedRoles {
  /** All valid ARNs of the input. */
  readonly all: readonly string[];
  /** Pods by ARN, by namespace. */
  readonly byNamespace: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Undefined if both permit the same of the input's roles. */
export function permissionChange(
  namespace: NamespaceFacts,
  { all, byNamespace }: RequestedRoles,
  predecessor: Predecessor,
  policy: PolicySettings,
): PermissionChange | undefined {
  const requested = byNamespace.get(namespace.name) ?? new Map<string, number>();
  // Roles that no pod of this namespace requests are compared only where the systems can differ: the cost grows with
  // namespaces times roles.
  const compared = canDiffer(namespace, predecessor, policy) ? all : [...requested.keys()].toSorted();
  const uses = compared
    .map((arn): RoleUse => ({ arn, pods: requested.get(arn) ?? 0 }))
    .toSorted((a, b) => b.pods - a.pods);
  const before = ({ arn }: RoleUse) => predecessor.permits(namespace, arn) === true;
  const after = ({ arn }: RoleUse) => podrolePermits(namespace, arn, policy);
  // If the predecessor permits everything, only roles that pods use are worth reporting.
  const lost = uses.filter((use) => before(use) && !after(use) && (predecessor.restricts || use.pods > 0));
  const gained = uses.filter((use) => !before(use) && after(use));
  const byName = uses.filter((use) => use.pods > 0 && !before(use) && !after(use) && matchesName(namespace, use));
  if (lost.length + gained.length + byName.length === 0) return undefined;
  const used = (list: readonly RoleUse[]) => list.filter(({ pods }) => pods > 0).map(({ arn }) => arn);
  const remedies = remediesFor(
    {
      namespace,
      missed: used(lost),
      kept: used(uses.filter(after)),
      byName: used(byName),
      isFromKiam: predecessor.name === "kiam",
    },
    policy,
    podrolePermits,
  );
  return { namespace: namespace.name, stated: permissionText(namespace), lost, gained, byName, remedies };
}

/** An expression without an alternative means the same with and without a group around it. */
function canDiffer({ annotations }: NamespaceFacts, { restricts }: Predecessor, policy: PolicySettings): boolean {
  if (!restricts) return false;
  const permitted = valueOf(annotations, ANNOTATIONS.permitted) ?? "";
  const isRead = valueOf(annotations, ANNOTATIONS.allowedRoles) !== undefined;
  return isRead || (policy.strictNamespaceRegexp && permitted.includes("|"));
}

function matchesName({ annotations }: NamespaceFacts, { arn }: RoleUse): boolean {
  const expression = compileExpression(valueOf(annotations, ANNOTATIONS.permitted) ?? "");
  const name = parseRoleArn(arn)?.name;
  return expression.ok && name !== undefined && expression.value.matchesWhole(name);
}

/** Decided by the function that webhook and server use, for a pod that names only this role. */
export function podrolePermits(
  { name, annotations }: Pick<NamespaceFacts, "name" | "annotations">,
  arn: string,
  policy: PolicySettings,
): boolean {
  const pod: PodFacts = {
    namespace: name,
    name: undefined,
    uid: undefined,
    serviceAccount: "default",
    annotations: { [ANNOTATIONS.role]: arn },
    labels: {},
    containers: ["app"],
  };
  const inherited = { namespaceAnnotations: annotations, serviceAccountAnnotations: {} };
  return decideRoles(pod, inherited, policy).roles[0]?.outcome === "allowed";
}

function permissionText({ annotations }: NamespaceFacts): string | undefined {
  const names = [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles];
  const stated = names.flatMap((name) => {
    const value = valueOf(annotations, name);
    return value === undefined ? [] : [`${name}: ${value === "" ? "(empty)" : value}`];
  });
  return stated.length > 0 ? stated.join(", ") : undefined;
}
