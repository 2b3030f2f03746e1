// What is to be explained: "pod/orders", "deploy/web", or the objects of a file.
import type { OperatorResource } from "../../kubernetes/api.ts";
import type { Namespace, ServiceAccount } from "../../kubernetes/objects.ts";
import { type KubernetesObject, parseObjects } from "../manifests/objects.ts";

export type WorkloadResource = Exclude<
  OperatorResource,
  "nodes" | "poddisruptionbudgets" | "subjectaccessreviews" | "selfsubjectaccessreviews"
>;

export interface Subject {
  readonly kind: string;
  readonly resource: "pods" | WorkloadResource;
  readonly name: string;
}

interface Kind {
  readonly kind: string;
  readonly resource: Subject["resource"];
  /** As kubectl shortens it. */
  readonly names: readonly string[];
}

const KINDS: readonly Kind[] = [
  { kind: "Pod", resource: "pods", names: ["pod", "pods", "po"] },
  { kind: "Deployment", resource: "deployments", names: ["deployment", "deployments", "deploy"] },
  { kind: "StatefulSet", resource: "statefulsets", names: ["statefulset", "statefulsets", "sts"] },
  { kind: "DaemonSet", resource: "daemonsets", names: ["daemonset", "daemonsets", "ds"] },
  { kind: "ReplicaSet", resource: "replicasets", names: ["replicaset", "replicasets", "rs"] },
  { kind: "Job", resource: "jobs", names: ["job", "jobs"] },
  { kind: "CronJob", resource: "cronjobs", names: ["cronjob", "cronjobs", "cj"] },
];

/** A subject as kubectl would be told it, or the words why it is none. */
export function readSubject(text: string): Subject | string {
  const [word = "", name = "", ...more] = text.split("/");
  const found = KINDS.find(({ names }) => names.includes(word.toLowerCase()));
  if (found === undefined || name === "" || more.length > 0) {
    const kinds = KINDS.map(({ names }) => names[0]).join(", ");
    return `${JSON.stringify(text)} is not KIND/NAME with one of the kinds ${kinds}`;
  }
  return { kind: found.kind, resource: found.resource, name };
}

export interface Manifests {
  readonly objects: readonly KubernetesObject[];
  readonly namespaces: ReadonlyMap<string, Namespace>;
  /** By "namespace/name". */
  readonly serviceAccounts: ReadonlyMap<string, ServiceAccount>;
}

/** The objects of a YAML or JSON text, and the surroundings among them; what is wrong with it when it cannot be read. */
export function readManifests(text: string, origin: string, defaultNamespace: string): Manifests | readonly string[] {
  const { objects, problems } = parseObjects(text, origin);
  if (problems.length > 0) return problems;
  const ofKind = (kind: string) => objects.filter((object) => object.kind === kind && object.metadata.name);
  const accountKey = ({ metadata }: KubernetesObject) => `${metadata.namespace ?? defaultNamespace}/${metadata.name}`;
  return {
    objects,
    namespaces: new Map(ofKind("Namespace").map((one) => [one.metadata.name ?? "", one as Namespace])),
    serviceAccounts: new Map(ofKind("ServiceAccount").map((one) => [accountKey(one), one as ServiceAccount])),
  };
}
