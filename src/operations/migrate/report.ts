// The report as data: every pod assessed, equal pods of a workload grouped and counted, and the changes that affect all
// pods.

import type { PlanSettings } from "../../injection/plan.ts";
import { INJECT_ENABLED, LABELS } from "../../policy/annotations.ts";
import { podsIn } from "../format.ts";
import { generalChanges } from "./findings/cluster-wide-changes.ts";
import { type MigrationFinding, POD_VERDICTS, type PodVerdict } from "./findings/finding.ts";
import { type PermissionChange, permissionChange, type RequestedRoles } from "./findings/namespace-permissions.ts";
import { type Assessment, assessPod } from "./findings/pod-assessment.ts";
import { compareText, type Inventory, type Workload } from "./input/inventory.ts";
import type { WorkloadRef } from "./input/owners.ts";
import type { Predecessor } from "./predecessor/predecessor.ts";

/** Pods of one workload with the same assessment. */
export interface WorkloadGroup {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly pods: number;
  /** Names of the live pods; empty for a template. */
  readonly names: readonly string[];
  readonly verdict: PodVerdict;
  readonly namesRole: boolean;
  /** Injected already; a template: its next pods will be, because its namespace is labelled. */
  readonly isMoved: boolean;
  readonly before: string;
  readonly after: string;
  readonly findings: readonly MigrationFinding[];
  readonly updateStrategy: string | undefined;
  /** Of the workload's kind; undefined if the input lacks it. */
  readonly apiVersion: string | undefined;
  /** The resource, usually an operator's, that manages the workload. */
  readonly managedBy: WorkloadRef | undefined;
}

/** What the migration changes. Programs read the names of the fields, so they do not change. */
export interface MigrationReport {
  readonly from: Predecessor["name"];
  readonly pods: number;
  readonly namespaces: number;
  readonly counts: Readonly<Record<PodVerdict, number>>;
  /** Unchanged pods without a role. */
  readonly withoutRole: number;
  /** Pods that are already injected. */
  readonly moved: number;
  /** Pods with a role, by the age of their SDK. */
  readonly sdk: Readonly<Record<"new" | "old" | "unknown", number>>;
  /** Terminated pods, which are not assessed. */
  readonly finished: number;
  /** Changes that affect every pod, a paragraph each. */
  readonly general: readonly string[];
  readonly permissions: readonly PermissionChange[];
  /** Sorted by verdict (heaviest first), namespace, kind and name. */
  readonly groups: readonly WorkloadGroup[];
  /** What could not be assessed, one sentence each. */
  readonly problems: readonly string[];
}

/** What the report is made from. */
export interface ReportInput {
  readonly inventory: Inventory;
  readonly predecessor: Predecessor;
  readonly settings: PlanSettings;
  /** Instance metadata paths that the predecessor's agent passes on; undefined if none or unknown. */
  readonly openMetadata: string | undefined;
}

interface Assessed {
  readonly workload: Workload;
  readonly name: string | undefined;
  readonly pods: number;
  readonly assessment: Assessment;
}

/** Assesses every pod of the inventory. Pure. */
export function makeReport({ inventory, predecessor, settings, openMetadata }: ReportInput): MigrationReport {
  const assessed = inventory.workloads.flatMap((workload) =>
    workload.instances.map(({ pod, isLive, count }): Assessed => {
      const assessment = assessPod(pod, workload, { predecessor, settings, inventory });
      return { workload, name: isLive ? pod.metadata.name : undefined, pods: count, assessment };
    }),
  );
  const sum = (which: (each: Assessed) => boolean) => podsIn(assessed.filter(which));
  const countBy = <Key extends string>(keys: readonly Key[], keyOf: (each: Assessed) => Key) =>
    Object.fromEntries(keys.map((key) => [key, sum((each) => keyOf(each) === key)])) as Record<Key, number>;
  const requested = requestedRoles(assessed);
  const namespaces = new Set(inventory.workloads.map(({ namespace }) => namespace));
  return {
    from: predecessor.name,
    pods: sum(() => true),
    namespaces: namespaces.size,
    counts: countBy(POD_VERDICTS, ({ assessment }) => assessment.verdict),
    withoutRole: sum(({ assessment }) => !assessment.namesRole),
    moved: sum(({ assessment }) => assessment.isMoved),
    sdk: countBy(["new", "old", "unknown"] as const, ({ assessment }) =>
      assessment.namesRole ? assessment.sdk.age : ("none" as "unknown"),
    ),
    finished: inventory.finished,
    general: generalChanges(predecessor, settings, openMetadata),
    permissions: [...inventory.namespaces.values()]
      .filter(({ name }) => requested.byNamespace.has(name))
      .toSorted((a, b) => compareText(a.name, b.name))
      .flatMap((namespace) => permissionChange(namespace, requested, predecessor, settings.policy) ?? []),
    groups: groupAssessed(assessed, inventory),
    problems: [...inventory.problems, ...unknownNamespaces(inventory, assessed)],
  };
}

/**
 * A namespace that is not in the input seems to permit nothing, so all of its pods seem refused: this reports the
 * cause.
 */
function unknownNamespaces({ namespaces }: Inventory, assessed: readonly Assessed[]): readonly string[] {
  const used = assessed.filter(({ assessment }) => assessment.namesRole).map(({ workload }) => workload.namespace);
  return [...new Set(used)]
    .filter((name) => namespaces.get(name)?.isKnown === false)
    .map((name) => `namespace ${name} is not in the input: add it (kubectl get namespace ${name} -o yaml)`);
}

function requestedRoles(assessed: readonly Assessed[]): RequestedRoles {
  const byNamespace = new Map<string, Map<string, number>>();
  for (const { workload, pods, assessment } of assessed) {
    const { before, after } = assessment;
    const arns = new Set(after.plan.roles.flatMap(({ role }) => role?.arn ?? []));
    if (before.kind === "granted") arns.add(before.arn);
    const counts = byNamespace.get(workload.namespace) ?? new Map<string, number>();
    for (const arn of arns) counts.set(arn, (counts.get(arn) ?? 0) + pods);
    if (arns.size > 0) byNamespace.set(workload.namespace, counts);
  }
  const all = new Set([...byNamespace.values()].flatMap((counts) => counts.keys().toArray()));
  return { all: [...all].toSorted(), byNamespace };
}

function groupAssessed(assessed: readonly Assessed[], { namespaces }: Inventory): readonly WorkloadGroup[] {
  const groups = new Map<string, WorkloadGroup>();
  for (const { workload, name, pods, assessment } of assessed) {
    const { namespace, kind, name: owner, updateStrategy, apiVersion, managedBy } = workload;
    const { verdict, findings, namesRole } = assessment;
    const isLabelled = namespaces.get(namespace)?.labels[LABELS.inject] === INJECT_ENABLED;
    const isMoved = assessment.isMoved || (name === undefined && isLabelled);
    const [before, after] = [describeBefore(assessment), describeAfter(assessment)];
    const texts = findings.map(({ text }) => (name === undefined ? text : text.replaceAll(`/${name}"`, '/…"')));
    const key = JSON.stringify([namespace, kind, owner, before, after, isMoved, texts]);
    const same = groups.get(key);
    const names = [...(same?.names ?? []), ...(name === undefined ? [] : [name])];
    const group = { namespace, kind, name: owner, verdict, namesRole, isMoved, before, after };
    const restart = { updateStrategy, apiVersion, managedBy };
    groups.set(key, {
      ...group,
      ...restart,
      pods: (same?.pods ?? 0) + pods,
      names,
      findings: same?.findings ?? findings,
    });
  }
  // The sort is stable: within a verdict, groups keep the inventory's order.
  return [...groups.values()].toSorted((a, b) => POD_VERDICTS.indexOf(b.verdict) - POD_VERDICTS.indexOf(a.verdict));
}

function describeBefore({ before }: Assessment): string {
  if (before.kind === "granted") return before.arn;
  return before.kind === "none" ? "no role" : `no credentials (${before.why})`;
}

function describeAfter({ after: { plan, sessions } }: Assessment): string {
  if (plan.decision === "refuse") return `refused (${plan.reason})`;
  if (plan.decision === "skip") return plan.reason === "NO_ROLE" ? "no role" : `not injected (${plan.reason})`;
  const arns = new Set([...sessions.values()].map(({ roleArn }) => roleArn));
  if (arns.size === 1) return [...arns].join();
  return [...sessions].map(([container, { roleArn }]) => `${container}: ${roleArn}`).join(", ");
}
