// What a namespace lets its pods have, before and after, over all roles that the input names: kiam anchored `a|b` as
// "begins with a, or ends with b", kube2iam's expressions match anywhere and its default permits everything, while
// podrole reads each expression whole and permits nothing that no annotation permits.
import { ANNOTATIONS, valueOf } from "../../policy/annotations.ts";
import { compileExpression } from "../../policy/expression.ts";
import { decideRoles, type PodFacts, type PolicySettings } from "../../policy/decide.ts";
import { parseRoleArn } from "../../policy/role.ts";
import type { Predecessor } from "./before.ts";
import type { NamespaceFacts } from "./inventory.ts";

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

export interface Remedy {
  readonly why: string;
  readonly command: string;
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
  const missed = lost.filter(({ pods }) => pods > 0).map(({ arn }) => arn);
  const remedies = [
    ...remediesFor(namespace, missed, policy, predecessor),
    ...(byName.length > 0 ? nameRemedies(namespace, byName, policy) : []),
  ];
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

function nameRemedies({ name, annotations }: NamespaceFacts, uses: readonly RoleUse[], policy: PolicySettings) {
  const added = { [ANNOTATIONS.permitted]: `.*/(?:${valueOf(annotations, ANNOTATIONS.permitted) ?? ""})` };
  const after = { name, annotations: { ...annotations, ...added } };
  if (!uses.every(({ arn }) => podrolePermits(after, arn, policy))) return [];
  return [{ why: "as kiam 3 read it", command: annotateCommand(name, added) }];
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

/** Each remedy is tried on the missed roles before it is offered. */
function remediesFor(
  { name, annotations }: NamespaceFacts,
  missed: readonly string[],
  policy: PolicySettings,
  { name: old }: Predecessor,
): readonly Remedy[] {
  if (missed.length === 0) return [];
  const permitted = valueOf(annotations, ANNOTATIONS.permitted);
  const listed = missed.map(quoteRe2).join("|");
  const candidates: { readonly why: string; readonly annotations: Readonly<Record<string, string>> }[] = permitted
    ? [
        { why: "name the roles that pods use", annotations: { [ANNOTATIONS.permitted]: `${permitted}|${listed}` } },
        ...(old === "kiam"
          ? [{ why: "or keep kiam's reading", annotations: { [ANNOTATIONS.permitted]: `.*(?:^${permitted}$).*` } }]
          : []),
      ]
    : [
        {
          why: "permit the roles that pods use",
          annotations: { [ANNOTATIONS.allowedRoles]: JSON.stringify(missed.map((arn) => shorten(arn, policy))) },
        },
        { why: "permit the roles that pods use", annotations: { [ANNOTATIONS.permitted]: listed } },
      ];
  const working = candidates.filter((candidate) => {
    const after = { name, annotations: { ...annotations, ...candidate.annotations } };
    return missed.every((arn) => podrolePermits(after, arn, policy));
  });
  const offered = permitted ? working : working.slice(0, 1);
  return offered.map(({ why, annotations: added }) => ({ why, command: annotateCommand(name, added) }));
}

/** As a glob and as an expression alike: role names hold no character that either would read otherwise, but "." and "+". */
function shorten(arn: string, { baseArn, allowedRolesFormat }: PolicySettings): string {
  const short = baseArn !== undefined && arn.startsWith(baseArn) ? arn.slice(baseArn.length) : arn;
  return allowedRolesFormat === "regexp" ? quoteRe2(short) : short;
}

function annotateCommand(namespace: string, annotations: Readonly<Record<string, string>>): string {
  const words = Object.entries(annotations).map(([name, value]) => shellQuote(`${name}=${value}`));
  return `kubectl annotate --overwrite namespace ${shellQuote(namespace)} ${words.join(" ")}`;
}

/** For a POSIX shell. */
export function shellQuote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}

function quoteRe2(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}
