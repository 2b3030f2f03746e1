// Who can leave, and as what. AWS's own ways know one role a ServiceAccount, so pods are gathered by theirs: one that
// would need two roles, or would give its role to pods that have none today, stays until the ServiceAccounts are divided.
import { decideRoles, type PodFacts, type PolicySettings } from "../../../policy/decide.ts";
import { podFacts } from "../../../policy/facts.ts";
import type { RoleArn } from "../../../policy/role.ts";
import type { Inventory, NamespaceFacts, Workload } from "../inventory.ts";
import type { Destination } from "./destination.ts";
import { hindrancesOf } from "./obstacles.ts";

/** A ServiceAccount that gets a role. */
export interface Move {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly role: RoleArn;
  readonly pods: number;
  /** "Deployment/orders" */
  readonly workloads: readonly string[];
  readonly notes: readonly string[];
}

export interface Stay {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
  readonly pods: number;
  readonly reasons: readonly string[];
}

export interface Departure {
  readonly moves: readonly Move[];
  readonly stays: readonly Stay[];
  readonly withoutRole: number;
}

interface Traveller {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
  readonly pods: number;
  /** Undefined: it has none today. */
  readonly role: RoleArn | undefined;
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

export function planDeparture(inventory: Inventory, policy: PolicySettings, destination: Destination): Departure {
  const travellers = inventory.workloads.flatMap((workload) =>
    workload.instances.map(({ pod, count }): Traveller => {
      // Without the pod's name: what is said of one pod of a workload is said of all.
      const facts = { ...podFacts(pod, workload.namespace), name: undefined };
      const place = placeOf(workload, facts);
      const found = roleOf(facts, inventory, policy);
      if (found.role === undefined)
        return { ...place, pods: count, role: undefined, reasons: found.reasons, notes: [] };
      const { reasons, notes } = hindrancesOf(pod, found.role, found.leftOut, destination);
      return { ...place, pods: count, role: found.role, reasons, notes };
    }),
  );
  const byAccount = Map.groupBy(travellers, ({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`);
  const moves: Move[] = [];
  const stays: Stay[] = [];
  for (const [account, members] of byAccount) {
    const bound = members.filter(({ role, reasons }) => role !== undefined || reasons.length > 0);
    const shared = sharingProblem(account, members);
    const going = bound.filter(
      ({ role, reasons }) => role !== undefined && reasons.length === 0 && shared === undefined,
    );
    const staying = bound.filter((member) => !going.includes(member));
    if (going.length > 0) moves.push(moveOf(going));
    stays.push(...merge(staying, shared));
  }
  const withoutRole = travellers
    .filter(({ role, reasons }) => role === undefined && reasons.length === 0)
    .reduce((sum, { pods }) => sum + pods, 0);
  return { moves, stays, withoutRole };
}

function placeOf({ namespace, kind, name }: Workload, { serviceAccount }: PodFacts) {
  return { namespace, serviceAccount, workload: `${kind}/${name}` };
}

/** The one role of the pod; none and no reason for a pod that asks for none. */
function roleOf(
  facts: PodFacts,
  { namespaces, serviceAccounts }: Inventory,
  policy: PolicySettings,
): { readonly role?: RoleArn; readonly leftOut: readonly string[]; readonly reasons: readonly string[] } {
  const namespace = namespaces.get(facts.namespace) as NamespaceFacts;
  const { roles, refusal } = decideRoles(
    facts,
    {
      namespaceAnnotations: namespace.annotations,
      serviceAccountAnnotations: serviceAccounts.get(`${facts.namespace}/${facts.serviceAccount}`) ?? {},
    },
    policy,
  );
  const refused = refusal ?? roles.find((decision) => !decision.allowed);
  if (refused && "message" in refused) return { leftOut: [], reasons: [`it has no role today: ${refused.message}`] };
  const allowed = new Map(roles.flatMap(({ role }) => (role ? [[role.arn, role] as const] : [])));
  if (allowed.size > 1) {
    const parts = roles.map(({ container, role }) => `${container}: ${role?.arn ?? ""}`);
    return { leftOut: [], reasons: [`its containers have different roles (${parts.join(", ")})`] };
  }
  const [role] = allowed.values();
  const leftOut = facts.containers.filter((name) => roles.every(({ container }) => container !== name));
  return role ? { role, leftOut, reasons: [] } : { leftOut: [], reasons: [] };
}

const DIVIDE = "give it a ServiceAccount of its own (serviceAccountName; RoleBindings do not follow by themselves)";

function sharingProblem(account: string, members: readonly Traveller[]): string | undefined {
  const arns = new Set(members.flatMap(({ role }) => role?.arn ?? []));
  if (arns.size === 0) return undefined;
  if (arns.size > 1) {
    return `its ServiceAccount ${account} is shared by pods with ${arns.size} roles (${[...arns].join(", ")}): ${DIVIDE}`;
  }
  const bare = members.filter(({ role }) => role === undefined);
  const pods = bare.reduce((sum, member) => sum + member.pods, 0);
  const who = [...new Set(bare.map(({ workload }) => workload))].join(", ");
  return pods === 0
    ? undefined
    : `its ServiceAccount ${account} is used by ${pods} pods without this role too (${who}), which would get it: ${DIVIDE}`;
}

function moveOf(members: readonly Traveller[]): Move {
  const [{ namespace, serviceAccount, role }] = members as [Traveller & { role: RoleArn }];
  return {
    namespace,
    serviceAccount,
    role,
    pods: members.reduce((sum, { pods }) => sum + pods, 0),
    workloads: [...new Set(members.map(({ workload }) => workload))],
    notes: [...new Set(members.flatMap(({ workload, notes }) => notes.map((note) => `${workload}: ${note}`)))],
  };
}

/** One for each workload and set of reasons. */
function merge(members: readonly Traveller[], shared: string | undefined): readonly Stay[] {
  const stays = new Map<string, Stay>();
  for (const { namespace, serviceAccount, workload, pods, role, reasons: own } of members) {
    const reasons = role !== undefined && shared !== undefined ? [...own, shared] : own;
    const key = JSON.stringify([workload, reasons]);
    const known = stays.get(key);
    stays.set(key, { namespace, serviceAccount, workload, reasons, pods: (known?.pods ?? 0) + pods });
  }
  return [...stays.values()];
}
