// What the API server fills in when a pod leaves it out, before any webhook sees the pod (k8s.io/kubernetes
// pkg/apis/core/v1/defaults.go), and what it computes: the QoS class.
import { isDeepStrictEqual } from "node:util";
import type { Container, Pod, PodSpec, ResourceRequirements, Volume } from "../../kubernetes/objects.ts";
import { isRecord, type KubeObject } from "./objects.ts";
import { isQuantity, parseQuantity } from "./quantity.ts";

/** Absent lists stay absent; what cannot be defaulted is left for validation to complain about. */
export function withPodDefaults(pod: KubeObject): KubeObject {
  const { spec } = pod as unknown as Pod;
  if (!isRecord(spec)) return pod;
  return {
    ...pod,
    spec: {
      ...spec,
      ...(Array.isArray(spec.volumes) && { volumes: spec.volumes.map(volumeDefaults) }),
      ...(Array.isArray(spec.initContainers) && { initContainers: spec.initContainers.map(containerDefaults) }),
      ...(Array.isArray(spec.containers) && { containers: spec.containers.map(containerDefaults) }),
      restartPolicy: spec.restartPolicy ?? "Always",
      terminationGracePeriodSeconds: spec["terminationGracePeriodSeconds"] ?? 30,
      dnsPolicy: spec["dnsPolicy"] ?? "ClusterFirst",
      ...(spec.serviceAccountName && { serviceAccount: spec.serviceAccountName }),
      securityContext: spec["securityContext"] ?? {},
      schedulerName: spec["schedulerName"] ?? "default-scheduler",
      enableServiceLinks: spec["enableServiceLinks"] ?? true,
    },
  };
}

function containerDefaults(container: Container): Container {
  if (!isRecord(container)) return container;
  return {
    ...container,
    resources: resourceDefaults(container.resources ?? {}),
    terminationMessagePath: container["terminationMessagePath"] ?? "/dev/termination-log",
    terminationMessagePolicy: container["terminationMessagePolicy"] ?? "File",
    imagePullPolicy: container["imagePullPolicy"] ?? pullPolicyOf(container.image ?? ""),
    ...(Array.isArray(container.ports) && {
      ports: container.ports.map((port) => ({ ...port, protocol: port.protocol ?? "TCP" })),
    }),
  };
}

/** A limit without a request is a request too. */
function resourceDefaults(resources: ResourceRequirements): ResourceRequirements {
  if (!isRecord(resources.limits)) return resources;
  return { ...resources, requests: { ...resources.limits, ...resources.requests } };
}

function pullPolicyOf(image: string): string {
  const [name = "", digest] = image.split("@");
  const tag = /:([\w.-]+)$/.exec(name)?.[1];
  return digest === undefined && (tag === undefined || tag === "latest") ? "Always" : "IfNotPresent";
}

function volumeDefaults(volume: Volume): Volume {
  if (!isRecord(volume)) return volume;
  const { name, ...source } = volume;
  if (Object.keys(source).length === 0) return { name, emptyDir: {} };
  const filled = Object.entries(source).map(([kind, value]) => [
    kind,
    isRecord(value) && MODES.has(kind)
      ? { ...value, ...projected(kind, value), defaultMode: value["defaultMode"] ?? 420 }
      : value,
  ]);
  return { name, ...Object.fromEntries(filled) };
}

/** Volumes of files, which are 0644 unless they say otherwise. */
const MODES: ReadonlySet<string> = new Set(["projected", "secret", "configMap", "downwardAPI"]);

function projected(kind: string, { sources }: Record<string, unknown>): object {
  if (kind !== "projected" || !Array.isArray(sources)) return {};
  return {
    sources: sources.map((source: unknown) => {
      const token = isRecord(source) ? source["serviceAccountToken"] : undefined;
      return isRecord(token) ? { serviceAccountToken: { expirationSeconds: 3600, ...token } } : source;
    }),
  };
}

export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Over all containers, init containers too (pkg/apis/core/v1/helper/qos). */
export function qosClassOf({ containers, initContainers = [] }: PodSpec): QosClass {
  const all = [...containers, ...initContainers].map(({ resources = {} }) => ({
    requests: amounts(resources.requests),
    limits: amounts(resources.limits),
  }));
  if (all.every(({ requests, limits }) => requests.size === 0 && limits.size === 0)) return "BestEffort";
  const isGuaranteed = all.every(({ requests, limits }) => limits.size === 2 && isDeepStrictEqual(requests, limits));
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

function amounts(list: Record<string, string> = {}): Map<string, number> {
  const entries = ["cpu", "memory"].flatMap((resource) => {
    const text = list[resource];
    return text === undefined || !isQuantity(text) ? [] : [[resource, parseQuantity(text)] as const];
  });
  return new Map(entries.filter(([, amount]) => amount > 0));
}
