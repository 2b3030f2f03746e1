// What a namespace lets its pods have, before and after, over all roles that the input names: kiam anchored `a|b` as
// "begins with a, or ends with b", kube2iam's expressions match anywhere and its default permits everything, while
// podrole reads each expression whole and permits nothing that no annotation permits.
import { ANNOTATIONS, valueOf } from "../../policy/annotations.ts";
import { compileExpression } from "../../policy/expression.ts";
import { decideRoles, type PodFacts, type PolicySettings } from "../../policy/decide.ts";
import { parseRoleArn } from "../../policy/role.ts";
import type { Predecessor } from "./before.ts";
import type { NamespaceFacts } from "./inventory.ts";
import { type Remedy, remediesFor } from "./remedies.ts";

export interface PermissionChange {
  readonly namespace: string;
  /** The annotation as it stands: "iam.amazonaws.com/permitted: ^a|b$"; undefined when there is none. */
  readonly stated: string | undefined;
  /** Roles that the old system permits here and podrole does not; those that pods of this namespace ask for first. */
  readonly lost: readonly RoleUse[];
  /** The other way round. */
  readonly gained: readonly RoleUse[];
  /** Neither permits them, though their names match: kiam 3 compared names, kiam 4 and podrole compare ARNs. */
  readonly byName: readonly RoleUse[];
  /** Commands, each a way to keep what pods have today; empty when nobody would lose a role. */
  readonly remedies: readonly Remedy[];
}

export interface RoleUse {
  readonly arn: string;
  /** Pods of this namespace that ask for it. */
  readonly pods: number;
}

export interface RolesAsked {
  /** All valid ARNs of the input. */
  readonly all: readonly string[];
  /** By namespace: ARN → pods. */
  readonly byNamespace: ReadonlyMap<string, ReadonlyMap<string, number>>;
}

/** Undefined: both permit the same, as far as the roles of the input can tell. */
export function permissionChange(
  namespace: NamespaceFacts,
  { all, byNamespace }: RolesAsked,
  predecessor: Predecessor,
  policy: PolicySettings,
): PermissionChange | undefined {
  const asked = byNamespace.get(namespace.name) ?? new Map<string, number>();
  // Roles that nobody here asks for are worth a look only where the two can differ: it is one for each namespace.
  const looked = canDiffer(namespace, predecessor, policy) ? all : [...asked.keys()].toSorted();
  const uses = looked.map((arn): RoleUse => ({ arn, pods: asked.get(arn) ?? 0 })).toSorted((a, b) => b.pods - a.pods);
  const before = ({ arn }: RoleUse) => predecessor.permits(namespace, arn) === true;
  const after = ({ arn }: RoleUse) => podrolePermits(namespace, arn, policy);
  // Where everything was permitted, only what pods use is of interest.
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
      fromKiam: predecessor.name === "kiam",
    },
    policy,
    podrolePermits,
  );
  return { namespace: namespace.name, stated: statedBy(namespace), lost, gained, byName, remedies };
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
  return typeof expression !== "string" && name !== undefined && expression.matchesWhole(name);
}

/** By the very function that webhook and server ask, with a pod that names nothing but this role. */
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
  const around = { namespaceAnnotations: annotations, serviceAccountAnnotations: {} };
  return decideRoles(pod, around, policy).roles[0]?.allowed === true;
}

function statedBy({ annotations }: NamespaceFacts): string | undefined {
  const names = [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles];
  const stated = names.flatMap((name) => {
    const value = valueOf(annotations, name);
    return value === undefined ? [] : [`${name}: ${value === "" ? "(empty)" : value}`];
  });
  return stated.length > 0 ? stated.join(", ") : undefined;
}
