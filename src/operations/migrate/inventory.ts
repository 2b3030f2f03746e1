// What an export holds, arranged by workload: its live pods, or its template where none lives (a manifest, a CronJob
// between two runs). Everything that the judgement of a pod needs stands beside it, so that judging is a pure function.
import type { Pod } from "../../kubernetes/objects.ts";
import { quoted } from "../../policy/annotations.ts";
import { findShapeProblem, isObject } from "../../injection/shape.ts";
import { templateOf } from "../manifests/templates.ts";
import type { KubernetesObject } from "../manifests/objects.ts";
import { type Owner, ownerOf, ownersByName } from "./owners.ts";

export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** False: pods live in it, but the input does not have it. */
  readonly isKnown: boolean;
}

export interface Instance {
  readonly pod: Pod;
  /** True for a pod that exists, false for a template that stands for `count` pods to come. */
  readonly isLive: boolean;
  readonly count: number;
}

export interface Workload {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly instances: readonly Instance[];
  /** The template of live pods, where the input has it: what the next pod will be. */
  readonly template: Pod | undefined;
  /** Of a DaemonSet or StatefulSet: "OnDelete" does nothing at a rollout restart. */
  readonly updateStrategy: string | undefined;
}

export interface Inventory {
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>;
  /** Annotations by "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Sorted by namespace, kind and name. */
  readonly workloads: readonly Workload[];
  /** Pods that have ended: nobody moves them. */
  readonly finished: number;
  /** Objects that claim to be pods and cannot be read as such, one sentence each. */
  readonly problems: readonly string[];
}

interface Draft {
  readonly namespace: string;
  readonly owner: Owner;
  readonly pods: Pod[];
  maker?: { readonly object: KubernetesObject; readonly template: Pod };
}

export function takeInventory(objects: readonly KubernetesObject[]): Inventory {
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  const owners = ownersByName(objects);
  const drafts = new Map<string, Draft>();
  const problems: string[] = [];
  let finished = 0;
  const draftOf = (object: KubernetesObject): Draft => {
    const [namespace, owner] = [namespaceOf(object), ownerOf(object, owners)];
    const key = `${namespace} ${owner.kind} ${owner.name}`;
    const draft = drafts.get(key) ?? { namespace, owner, pods: [] };
    drafts.set(key, draft);
    return draft;
  };
  for (const object of objects) {
    const found = templateOf(object);
    if (!found) continue;
    const problem = findShapeProblem(found.pod) ?? withoutContainers(found.pod) ?? withFlags(object, found.pod);
    if (problem !== undefined) problems.push(`${object.kind} ${object.metadata.name ?? "(unnamed)"}: ${problem}`);
    else if (object.kind === "Pod" && isFinished(found.pod)) finished += 1;
    else if (object.kind === "Pod") draftOf(object).pods.push(found.pod);
    // A ReplicaSet or Job that somebody owns says nothing that its owner does not say better.
    else if (ownerOf(object, owners).kind === object.kind) draftOf(object).maker = { object, template: found.pod };
  }
  const workloads = [...drafts.values()].map(workloadOf);
  return {
    namespaces: namespacesOf(ofKind("Namespace"), workloads),
    serviceAccounts: new Map(
      ofKind("ServiceAccount").map((account) => [
        `${namespaceOf(account)}/${account.metadata.name ?? ""}`,
        account.metadata.annotations ?? {},
      ]),
    ),
    workloads: workloads.toSorted(
      (a, b) => compare(a.namespace, b.namespace) || compare(a.kind, b.kind) || compare(a.name, b.name),
    ),
    finished,
    problems,
  };
}

function workloadOf({ namespace, owner: { kind, name }, pods, maker }: Draft): Workload {
  const live = pods.map((pod) => ({ pod, isLive: true, count: 1 }));
  const standIn = maker ? [{ pod: maker.template, isLive: false, count: countOf(maker.object) }] : [];
  return {
    namespace,
    kind,
    name,
    instances: live.length > 0 ? live : standIn,
    template: maker?.template,
    updateStrategy: maker && strategyOf(maker.object),
  };
}

/** The API server has no such pod; a file may. */
function withoutContainers({ spec }: Pod): string | undefined {
  return Array.isArray(spec.containers) && spec.containers.length > 0 ? undefined : "spec.containers is empty";
}

/** In the commands that are printed such a name would be a flag, however it is quoted: `kubectl label namespace --all`. */
function withFlags(object: KubernetesObject, { spec }: Pod): string | undefined {
  const names = { namespace: namespaceOf(object), serviceAccountName: spec.serviceAccountName ?? "" };
  const found = Object.entries(names).find(([, name]) => name.startsWith("-"));
  return found && `${found[0]} is ${quoted(found[1])}, wanted a name that Kubernetes takes`;
}

function isFinished({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function namespacesOf(objects: readonly KubernetesObject[], workloads: readonly Workload[]) {
  const known = objects.map(({ metadata: { name = "", labels = {}, annotations = {} } }): NamespaceFacts => {
    return { name, labels, annotations, isKnown: true };
  });
  const named = new Map(known.map((facts) => [facts.name, facts]));
  for (const { namespace: name } of workloads) {
    if (!named.has(name)) named.set(name, { name, labels: {}, annotations: {}, isKnown: false });
  }
  return named;
}

function namespaceOf({ metadata }: KubernetesObject): string {
  return metadata.namespace ?? "default";
}

/** By code units, in every locale alike. */
export function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** One at least: a Deployment that is scaled to nothing today has pods tomorrow. */
function countOf({ spec }: KubernetesObject): number {
  const replicas = isObject(spec) ? spec["replicas"] : undefined;
  return typeof replicas === "number" && replicas > 0 ? replicas : 1;
}

function strategyOf({ spec }: KubernetesObject): string | undefined {
  const strategy = isObject(spec) ? spec["updateStrategy"] : undefined;
  return isObject(strategy) && typeof strategy["type"] === "string" ? strategy["type"] : undefined;
}
