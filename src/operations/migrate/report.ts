// The whole report as data: every pod judged, alike ones of a workload put together, counted, with what concerns all.
import type { PlanSettings } from "../../injection/plan.ts";
import type { Predecessor } from "./before.ts";
import { type Finding, VERDICTS, type Verdict } from "./findings.ts";
import { generalChanges } from "./general.ts";
import { compare, type Inventory, type Workload } from "./inventory.ts";
import { type Judgement, judge } from "./judge.ts";
import { type PermissionChange, permissionChange, type RolesAsked } from "./permissions.ts";

/** Pods of one workload to which the same happens. */
export interface Group {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly pods: number;
  /** Names of live pods; empty for a template. */
  readonly names: readonly string[];
  readonly verdict: Verdict;
  readonly namesRole: boolean;
  readonly isMoved: boolean;
  readonly before: string;
  readonly after: string;
  readonly findings: readonly Finding[];
  readonly updateStrategy: string | undefined;
}

export interface Report {
  readonly from: Predecessor["name"];
  readonly pods: number;
  readonly namespaces: number;
  readonly counts: Readonly<Record<Verdict, number>>;
  /** Of the unchanged ones. */
  readonly withoutRole: number;
  /** Pods that are injected already. */
  readonly moved: number;
  /** Pods with a role by what can be told of their SDK. */
  readonly sdk: Readonly<Record<"new" | "old" | "unknown", number>>;
  readonly finished: number;
  readonly general: readonly string[];
  readonly permissions: readonly PermissionChange[];
  /** Sorted by verdict (heaviest first), namespace, kind and name. */
  readonly groups: readonly Group[];
  readonly problems: readonly string[];
}

export interface ReportInput {
  readonly inventory: Inventory;
  readonly predecessor: Predecessor;
  readonly settings: PlanSettings;
  /** kiam's agent lets these instance metadata paths through; undefined: none, or not known. */
  readonly openMetadata: string | undefined;
}

interface Judged {
  readonly workload: Workload;
  readonly name: string | undefined;
  readonly pods: number;
  readonly judgement: Judgement;
}

export function makeReport({ inventory, predecessor, settings, openMetadata }: ReportInput): Report {
  const judged = inventory.workloads.flatMap((workload) =>
    workload.instances.map(({ pod, isLive, count }): Judged => {
      const judgement = judge(pod, workload, { predecessor, settings, inventory });
      return { workload, name: isLive ? pod.metadata.name : undefined, pods: count, judgement };
    }),
  );
  const sum = (which: (each: Judged) => boolean) => judged.filter(which).reduce((total, { pods }) => total + pods, 0);
  const countBy = <Key extends string>(keys: readonly Key[], of: (each: Judged) => Key) =>
    Object.fromEntries(keys.map((key) => [key, sum((each) => of(each) === key)])) as Record<Key, number>;
  const asked = rolesAsked(judged);
  const inhabited = new Set(inventory.workloads.map(({ namespace }) => namespace));
  return {
    from: predecessor.name,
    pods: sum(() => true),
    namespaces: inhabited.size,
    counts: countBy(VERDICTS, ({ judgement }) => judgement.verdict),
    withoutRole: sum(({ judgement }) => !judgement.namesRole),
    moved: sum(({ judgement }) => judgement.isMoved),
    sdk: countBy(["new", "old", "unknown"] as const, ({ judgement }) =>
      judgement.namesRole ? judgement.sdk.age : ("none" as "unknown"),
    ),
    finished: inventory.finished,
    general: generalChanges(predecessor, settings, openMetadata),
    permissions: [...inventory.namespaces.values()]
      .filter(({ name }) => asked.byNamespace.has(name))
      .toSorted((a, b) => compare(a.name, b.name))
      .flatMap((namespace) => permissionChange(namespace, asked, predecessor, settings.policy) ?? []),
    groups: groupsOf(judged),
    problems: [...inventory.problems, ...unknownNamespaces(inventory, judged)],
  };
}

/** Without the namespace nobody knows what it permits: said once, instead of refusing all of its pods in silence. */
function unknownNamespaces({ namespaces }: Inventory, judged: readonly Judged[]): readonly string[] {
  const used = judged.filter(({ judgement }) => judgement.namesRole).map(({ workload }) => workload.namespace);
  return [...new Set(used)]
    .filter((name) => namespaces.get(name)?.isKnown === false)
    .map((name) => `namespace ${name} is not in the input: add it (kubectl get namespace ${name} -o yaml)`);
}

function rolesAsked(judged: readonly Judged[]): RolesAsked {
  const byNamespace = new Map<string, Map<string, number>>();
  for (const { workload, pods, judgement } of judged) {
    const { before, after } = judgement;
    const arns = new Set(after.plan.roles.flatMap(({ role }) => role?.arn ?? []));
    if (before.kind === "given") arns.add(before.arn);
    const counts = byNamespace.get(workload.namespace) ?? new Map<string, number>();
    for (const arn of arns) counts.set(arn, (counts.get(arn) ?? 0) + pods);
    if (arns.size > 0) byNamespace.set(workload.namespace, counts);
  }
  const all = new Set([...byNamespace.values()].flatMap((counts) => counts.keys().toArray()));
  return { all: [...all].toSorted(), byNamespace };
}

function groupsOf(judged: readonly Judged[]): readonly Group[] {
  const groups = new Map<string, Group>();
  for (const { workload, name, pods, judgement } of judged) {
    const { namespace, kind, name: owner, updateStrategy } = workload;
    const { verdict, findings, namesRole, isMoved } = judgement;
    const [before, after] = [describeBefore(judgement), describeAfter(judgement)];
    const texts = findings.map(({ text }) => (name === undefined ? text : text.replaceAll(`/${name}"`, '/…"')));
    const key = JSON.stringify([namespace, kind, owner, before, after, isMoved, texts]);
    const same = groups.get(key);
    const names = [...(same?.names ?? []), ...(name === undefined ? [] : [name])];
    const group = { namespace, kind, name: owner, verdict, namesRole, isMoved, before, after, updateStrategy };
    groups.set(key, { ...group, pods: (same?.pods ?? 0) + pods, names, findings: same?.findings ?? findings });
  }
  // A stable sort: within a verdict the inventory's order stays.
  return [...groups.values()].toSorted((a, b) => VERDICTS.indexOf(b.verdict) - VERDICTS.indexOf(a.verdict));
}

function describeBefore({ before }: Judgement): string {
  if (before.kind === "given") return before.arn;
  return before.kind === "none" ? "no role" : `no credentials (${before.why})`;
}

function describeAfter({ after: { plan, sessions } }: Judgement): string {
  if (plan.decision === "refuse") return `refused (${plan.reason})`;
  if (plan.decision === "skip") return plan.reason === "NO_ROLE" ? "no role" : `not injected (${plan.reason})`;
  const arns = new Set([...sessions.values()].map(({ roleArn }) => roleArn));
  if (arns.size === 1) return [...arns].join();
  return [...sessions].map(([container, { roleArn }]) => `${container}: ${roleArn}`).join(", ");
}
