// Which pods can move to IRSA or Pod Identity, and with which role. Both assign one role to a ServiceAccount, so pods
// are grouped by theirs: if a ServiceAccount would need two roles, or would give its role to pods that have none today,
// its pods stay until they have separate ServiceAccounts.
import { decideRoles, type PodFacts, type PolicySettings } from "../../../policy/decide.ts";
import { podFacts } from "../../../policy/facts.ts";
import type { RoleArn } from "../../../policy/role.ts";
import { countOf, podsIn } from "../../format.ts";
import type { Inventory, NamespaceFacts, Workload } from "../input/inventory.ts";
import type { Destination } from "./destination.ts";
import { obstaclesOf } from "./obstacles.ts";

/** A ServiceAccount that gets a role. */
export interface RoleMove {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly role: RoleArn;
  readonly pods: number;
  /** Kind and name, such as "Deployment/orders". */
  readonly workloads: readonly string[];
  /** What differs for these pods, one sentence each. */
  readonly notes: readonly string[];
}

/** Pods that cannot move as they are. */
export interface StayingWorkload {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
  readonly pods: number;
  readonly reasons: readonly string[];
}

/** All pods of the input, divided into those that can move and those that cannot. */
export interface Departure {
  readonly moves: readonly RoleMove[];
  readonly stays: readonly StayingWorkload[];
  /** Number of pods that have no role today. */
  readonly withoutRole: number;
}

/** Equal pods of one workload. */
interface PodGroup {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly workload: string;
  readonly pods: number;
  /** Undefined if it has none today. */
  readonly role: RoleArn | undefined;
  readonly reasons: readonly string[];
  readonly notes: readonly string[];
}

/** Decides for each ServiceAccount whether its pods can move. `policy`: podrole's present settings. */
export function divideInventory(inventory: Inventory, policy: PolicySettings, destination: Destination): Departure {
  const groups = inventory.workloads.flatMap((workload) =>
    workload.instances.map(({ pod, count }): PodGroup => {
      // Without the pod's name, so that equal pods of a workload have equal texts.
      const facts = { ...podFacts(pod, workload.namespace), name: undefined };
      const place = workloadFields(workload, facts);
      const found = movedRole(facts, inventory, policy);
      if (found.role === undefined)
        return { ...place, pods: count, role: undefined, reasons: found.reasons, notes: [] };
      const { reasons, notes } = obstaclesOf(pod, found.role, found.withoutRole, destination);
      return { ...place, pods: count, role: found.role, reasons, notes };
    }),
  );
  const byAccount = Map.groupBy(groups, ({ namespace, serviceAccount }) => `${namespace}/${serviceAccount}`);
  const moves: RoleMove[] = [];
  const stays: StayingWorkload[] = [];
  for (const [account, members] of byAccount) {
    const concerned = members.filter(({ role, reasons }) => role !== undefined || reasons.length > 0);
    const shared = findSharingProblem(account, members);
    const moving = concerned.filter(
      ({ role, reasons }) => role !== undefined && reasons.length === 0 && shared === undefined,
    );
    const staying = concerned.filter((member) => !moving.includes(member));
    if (moving.length > 0) moves.push(moveOf(moving));
    stays.push(...mergeStays(staying, shared));
  }
  const withoutRole = podsIn(groups.filter(({ role, reasons }) => role === undefined && reasons.length === 0));
  return { moves, stays, withoutRole };
}

function workloadFields({ namespace, kind, name }: Workload, { serviceAccount }: PodFacts) {
  return { namespace, serviceAccount, workload: `${kind}/${name}` };
}

/** The one role of the pod, or the reasons why it has none; neither for a pod that requests no role. */
function movedRole(
  facts: PodFacts,
  { namespaces, serviceAccounts }: Inventory,
  policy: PolicySettings,
): { readonly role?: RoleArn; readonly withoutRole: readonly string[]; readonly reasons: readonly string[] } {
  const namespace = namespaces.get(facts.namespace) as NamespaceFacts;
  const { roles, refusal } = decideRoles(
    facts,
    {
      namespaceAnnotations: namespace.annotations,
      serviceAccountAnnotations: serviceAccounts.get(`${facts.namespace}/${facts.serviceAccount}`) ?? {},
    },
    policy,
  );
  const message = (refusal ?? roles.find(({ outcome }) => outcome !== "allowed")?.refusal)?.message;
  if (message !== undefined) return { withoutRole: [], reasons: [`it has no role today: ${message}`] };
  const allowed = new Map(roles.flatMap(({ role }) => (role ? [[role.arn, role] as const] : [])));
  if (allowed.size > 1) {
    const parts = roles.map(({ container, role }) => `${container}: ${role?.arn ?? ""}`);
    return { withoutRole: [], reasons: [`its containers have different roles (${parts.join(", ")})`] };
  }
  const [role] = allowed.values();
  const withoutRole = facts.containers.filter((name) => roles.every(({ container }) => container !== name));
  return role ? { role, withoutRole, reasons: [] } : { withoutRole: [], reasons: [] };
}

const SEPARATE_ACCOUNT_REMEDY =
  "give it its own ServiceAccount (serviceAccountName), and copy the RoleBindings that it needs";

function findSharingProblem(account: string, members: readonly PodGroup[]): string | undefined {
  const arns = new Set(members.flatMap(({ role }) => role?.arn ?? []));
  if (arns.size === 0) return undefined;
  if (arns.size > 1) {
    return `its ServiceAccount ${account} is shared by pods with ${arns.size} roles (${[...arns].join(", ")}): ${SEPARATE_ACCOUNT_REMEDY}`;
  }
  const others = members.filter(({ role }) => role === undefined);
  const pods = podsIn(others);
  const who = [...new Set(others.map(({ workload }) => workload))].join(", ");
  return pods === 0
    ? undefined
    : `its ServiceAccount ${account} is also used by ${countOf(pods, "pod")} without this role (${who}), which would get it: ${SEPARATE_ACCOUNT_REMEDY}`;
}

function moveOf(members: readonly PodGroup[]): RoleMove {
  const [{ namespace, serviceAccount, role }] = members as [PodGroup & { role: RoleArn }];
  return {
    namespace,
    serviceAccount,
    role,
    pods: podsIn(members),
    workloads: [...new Set(members.map(({ workload }) => workload))],
    notes: [...new Set(members.flatMap(({ workload, notes }) => notes.map((note) => `${workload}: ${note}`)))],
  };
}

/** Joins the pods of a workload that stay for the same reasons. */
function mergeStays(members: readonly PodGroup[], shared: string | undefined): readonly StayingWorkload[] {
  const stays = new Map<string, StayingWorkload>();
  for (const { namespace, serviceAccount, workload, pods, role, reasons: own } of members) {
    const reasons = role !== undefined && shared !== undefined ? [...own, shared] : own;
    const key = JSON.stringify([workload, reasons]);
    const known = stays.get(key);
    stays.set(key, { namespace, serviceAccount, workload, reasons, pods: (known?.pods ?? 0) + pods });
  }
  return [...stays.values()];
}
