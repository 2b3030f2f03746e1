// The objects of the input by workload: its live pods, or its template if it has none (a manifest, a CronJob between
// two runs). It holds everything that the assessment of a pod needs, which is therefore a pure function.

import type { EnvSources } from "../../../injection/env-from.ts";
import { findShapeProblem } from "../../../injection/shape.ts";
import { hasFinished, type Pod } from "../../../kubernetes/objects.ts";
import { quoted } from "../../../policy/annotations.ts";
import { isObject } from "../../../runtime/json-object.ts";
import { envSourcesOf } from "../../manifests/env-sources.ts";
import { type KubernetesObject, namespaceOf } from "../../manifests/parse-objects.ts";
import { strayRoles, templatesOf } from "../../manifests/templates.ts";
import { managersByName, type OwnersByName, ownerOf, ownersByName, type WorkloadRef } from "./owners.ts";

/** The parts of a namespace that decide about roles. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** False if the input has pods of the namespace, but not the namespace. */
  readonly isKnown: boolean;
}

/** A live pod, or a template and the number of pods that it stands for. */
export interface CountedPod {
  readonly pod: Pod;
  /** True for a pod that exists; false for a template that represents `count` future pods. */
  readonly isLive: boolean;
  readonly count: number;
}

/** What an operator would restart, with its pods. */
export interface Workload {
  readonly namespace: string;
  readonly kind: string;
  readonly name: string;
  readonly instances: readonly CountedPod[];
  /** Template of future pods; undefined if the input lacks it. */
  readonly template: Pod | undefined;
  /** Of a DaemonSet or StatefulSet; with "OnDelete", a rollout restart has no effect. */
  readonly updateStrategy: string | undefined;
  /** Of its kind; undefined if unknown, as for items of a list. */
  readonly apiVersion: string | undefined;
  /** The resource, usually an operator's, that manages a Deployment, StatefulSet or DaemonSet. */
  readonly managedBy: WorkloadRef | undefined;
}

/** Everything in the input that decisions about pods need. */
export interface Inventory {
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>;
  /** Annotations by "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** By namespace. */
  readonly envSources: ReadonlyMap<string, EnvSources>;
  /** Sorted by namespace, kind and name. */
  readonly workloads: readonly Workload[];
  /** Number of pods that have terminated and need no move. */
  readonly finished: number;
  /** Objects that cannot be read as pods, one sentence each. */
  readonly problems: readonly string[];
}

interface Draft {
  readonly namespace: string;
  readonly owner: WorkloadRef;
  readonly pods: Pod[];
  controller?: { readonly object: KubernetesObject; readonly templates: readonly Pod[] };
}

/** Sorts objects of any shape into workloads; what cannot be read as a pod becomes a problem. Never throws. */
export function takeInventory(objects: readonly KubernetesObject[]): Inventory {
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind);
  const [owners, managers] = [ownersByName(objects), managersByName(objects)];
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
    const called = `${object.kind} ${object.metadata.name ?? "(unnamed)"}`;
    problems.push(...strayRoles(object).map((path) => `${called}: ${unknownPodsAt(path)}`));
    const pods = templatesOf(object).map(({ pod }) => pod);
    const [first] = pods;
    if (!first) continue;
    const problem = pods.map((pod) => findPodProblem(object, pod)).find((found) => found !== undefined);
    if (problem !== undefined) problems.push(`${called}: ${problem}`);
    else if (object.kind === "Pod" && hasFinished(first)) finished += 1;
    else if (object.kind === "Pod") draftOf(object).pods.push(first);
    // A ReplicaSet or Job with an owner is left out in favour of that owner, and a finished Job creates no pod.
    else if (ownerOf(object, owners).kind === object.kind && !isFinishedJob(object))
      draftOf(object).controller = { object, templates: pods };
  }
  const workloads = [...drafts.values()].map((draft) => workloadOf(draft, managers));
  const sources = [...ofKind("ConfigMap"), ...ofKind("Secret")];
  return {
    namespaces: namespacesOf(ofKind("Namespace"), workloads),
    envSources: new Map([...new Set(sources.map(namespaceOf))].map((name) => [name, envSourcesOf(sources, name)])),
    serviceAccounts: new Map(
      ofKind("ServiceAccount").map((account) => [
        `${namespaceOf(account)}/${account.metadata.name ?? ""}`,
        account.metadata.annotations ?? {},
      ]),
    ),
    workloads: workloads.toSorted(
      (a, b) => compareText(a.namespace, b.namespace) || compareText(a.kind, b.kind) || compareText(a.name, b.name),
    ),
    finished,
    problems,
  };
}

function workloadOf({ namespace, owner, pods, controller }: Draft, managers: OwnersByName): Workload {
  const { kind, name, apiVersion } = owner;
  const live = pods.map((pod) => ({ pod, isLive: true, count: 1 }));
  const count = controller ? replicasOf(controller.object) : 0;
  const future = (controller?.templates ?? []).map((pod) => ({ pod, isLive: false, count }));
  return {
    namespace,
    kind,
    name,
    instances: live.length > 0 ? live : future,
    template: controller?.templates[0],
    updateStrategy: controller && strategyOf(controller.object),
    apiVersion,
    managedBy: managers.get(`${namespace} ${kind} ${name}`),
  };
}

function findPodProblem(object: KubernetesObject, pod: Pod): string | undefined {
  return findShapeProblem(pod) ?? findMissingContainers(pod) ?? findFlagLikeName(object, pod);
}

function unknownPodsAt(path: string): string {
  return `the role annotation at ${path} is in no pod template that podrole knows; only its live pods are assessed`;
}

/** (https://kubernetes.io/docs/concepts/workloads/controllers/job/#job-termination-and-cleanup) */
function isFinishedJob({ kind, status }: KubernetesObject): boolean {
  const conditions = kind === "Job" && isObject(status) ? status["conditions"] : undefined;
  const ends = (one: unknown) =>
    isObject(one) && one["status"] === "True" && (one["type"] === "Complete" || one["type"] === "Failed");
  return Array.isArray(conditions) && conditions.some(ends);
}

/** Possible in a file only: the API server accepts no such pod. */
function findMissingContainers({ spec }: Pod): string | undefined {
  return Array.isArray(spec.containers) && spec.containers.length > 0 ? undefined : "spec.containers is empty";
}

/** In printed commands such a name would be a flag, however it is quoted: `kubectl label namespace --all`. */
function findFlagLikeName(object: KubernetesObject, { spec }: Pod): string | undefined {
  const names = { namespace: namespaceOf(object), serviceAccountName: spec.serviceAccountName ?? "" };
  const found = Object.entries(names).find(([, name]) => name.startsWith("-"));
  return found && `${found[0]} is ${quoted(found[1])}; expected a valid Kubernetes name`;
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

/** Compares by code units, so that the order is the same in every locale. */
export function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** At least one: a Deployment that is scaled to 0 may be scaled up again. */
function replicasOf({ spec }: KubernetesObject): number {
  const replicas = isObject(spec) ? spec["replicas"] : undefined;
  return typeof replicas === "number" && replicas > 0 ? replicas : 1;
}

function strategyOf({ spec }: KubernetesObject): string | undefined {
  const strategy = isObject(spec) ? spec["updateStrategy"] : undefined;
  return isObject(strategy) && typeof strategy["type"] === "string" ? strategy["type"] : undefined;
}
