// The objects of the input by workload: its live pods, or its template if it has none (a manifest, a CronJob between two
// runs). It holds everything that the assessment of a pod needs, which is therefore a pure function.

import { findShapeProblem } from "../../../injection/shape.ts";
import { hasFinished, type Pod } from "../../../kubernetes/objects.ts";
import { quoted } from "../../../policy/annotations.ts";
import { isObject } from "../../../runtime/json-object.ts";
import { type KubernetesObject, namespaceOf } from "../../manifests/parse-objects.ts";
import { templateOf } from "../../manifests/templates.ts";
import { ownerOf, ownersByName, type WorkloadRef } from "./owners.ts";

/** The parts of a namespace that decide about roles. */
export interface NamespaceFacts {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** False if the input has pods of the namespace, but not the namespace. */
  readonly isKnown: boolean;
}

/** A live pod, or a template and the number of pods that it stands for. */
export interface Instance {
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
  readonly instances: readonly Instance[];
  /** Template of future pods; undefined if the input lacks it. */
  readonly template: Pod | undefined;
  /** Of a DaemonSet or StatefulSet; with "OnDelete", a rollout restart has no effect. */
  readonly updateStrategy: string | undefined;
}

/** Everything in the input that decisions about pods need. */
export interface Inventory {
  readonly namespaces: ReadonlyMap<string, NamespaceFacts>;
  /** Annotations by "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, Readonly<Record<string, string>>>;
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
  controller?: { readonly object: KubernetesObject; readonly template: Pod };
}

/** Sorts objects of any shape into workloads; what cannot be read as a pod becomes a problem. Never throws. */
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
    const problem = findShapeProblem(found.pod) ?? withoutContainers(found.pod) ?? namedLikeFlag(object, found.pod);
    if (problem !== undefined) problems.push(`${object.kind} ${object.metadata.name ?? "(unnamed)"}: ${problem}`);
    else if (object.kind === "Pod" && hasFinished(found.pod)) finished += 1;
    else if (object.kind === "Pod") draftOf(object).pods.push(found.pod);
    // A ReplicaSet or Job with an owner is left out in favour of that owner.
    else if (ownerOf(object, owners).kind === object.kind) draftOf(object).controller = { object, template: found.pod };
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

function workloadOf({ namespace, owner: { kind, name }, pods, controller }: Draft): Workload {
  const live = pods.map((pod) => ({ pod, isLive: true, count: 1 }));
  const future = controller ? [{ pod: controller.template, isLive: false, count: replicasOf(controller.object) }] : [];
  return {
    namespace,
    kind,
    name,
    instances: live.length > 0 ? live : future,
    template: controller?.template,
    updateStrategy: controller && strategyOf(controller.object),
  };
}

/** Possible in a file only: the API server accepts no such pod. */
function withoutContainers({ spec }: Pod): string | undefined {
  return Array.isArray(spec.containers) && spec.containers.length > 0 ? undefined : "spec.containers is empty";
}

/** In printed commands such a name would be a flag, however it is quoted: `kubectl label namespace --all`. */
function namedLikeFlag(object: KubernetesObject, { spec }: Pod): string | undefined {
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
export function compare(a: string, b: string): number {
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
