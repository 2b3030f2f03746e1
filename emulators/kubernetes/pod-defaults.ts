// Defaults of a pod, set before any webhook receives it (k8s.io/kubernetes pkg/apis/core/v1/defaults.go), and its
// computed QoS class.
import { isDeepStrictEqual } from "node:util";
import type { Pod, PodSpec } from "../../src/kubernetes/objects.ts";
import { parseQuantity } from "../../src/kubernetes/quantity.ts";
import { isObject } from "../../src/runtime/json-object.ts";
import { containerDefaults } from "./container-defaults.ts";
import type { KubeObject } from "./objects.ts";
import { volumeDefaults } from "./volume-defaults.ts";

/** Absent lists stay absent; validation refuses what cannot be defaulted. */
export function withPodDefaults(pod: KubeObject): KubeObject {
  const { spec } = pod as unknown as Pod;
  if (!isObject(spec)) return pod;
  return {
    ...pod,
    spec: {
      ...spec,
      ...(Array.isArray(spec.volumes) && { volumes: spec.volumes.map(volumeDefaults) }),
      ...(Array.isArray(spec.initContainers) && {
        initContainers: spec.initContainers.map((container) => containerDefaults(container, spec)),
      }),
      ...(Array.isArray(spec.containers) && {
        containers: spec.containers.map((container) => containerDefaults(container, spec)),
      }),
      restartPolicy: spec.restartPolicy ?? "Always",
      terminationGracePeriodSeconds: spec["terminationGracePeriodSeconds"] ?? 30,
      dnsPolicy: spec["dnsPolicy"] ?? "ClusterFirst",
      ...(spec.serviceAccountName && { serviceAccount: spec.serviceAccountName }),
      securityContext: spec["securityContext"] ?? {},
      schedulerName: spec["schedulerName"] ?? "default-scheduler",
      enableServiceLinks: spec["enableServiceLinks"] ?? true,
      tolerations: withNodeTolerations(spec["tolerations"]),
      // Set by the plugin Priority, which also runs before webhooks.
      priority: spec["priority"] ?? 0,
      preemptionPolicy: spec["preemptionPolicy"] ?? "PreemptLowerPriority",
    },
  };
}

/** Adds what the plugin DefaultTolerationSeconds adds, which also runs before webhooks. */
function withNodeTolerations(given: unknown): readonly unknown[] {
  const present: readonly unknown[] = Array.isArray(given) ? given : [];
  const added = ["not-ready", "unreachable"]
    .map((state) => `node.kubernetes.io/${state}`)
    .filter((key) => !present.some((toleration) => isObject(toleration) && toleration["key"] === key))
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
  return [...present, ...added];
}

/** The quality of service class of a pod. */
export type QosClass = "Guaranteed" | "Burstable" | "BestEffort";

/** Computes the QoS class over all containers, including init containers (pkg/apis/core/v1/helper/qos). */
export function qosClassOf({ containers, initContainers = [] }: PodSpec): QosClass {
  const all = [...containers, ...initContainers].map(({ resources = {} }) => ({
    requests: parseAmounts(resources.requests),
    limits: parseAmounts(resources.limits),
  }));
  if (all.every(({ requests, limits }) => requests.size === 0 && limits.size === 0)) return "BestEffort";
  const isGuaranteed = all.every(({ requests, limits }) => limits.size === 2 && isDeepStrictEqual(requests, limits));
  return isGuaranteed ? "Guaranteed" : "Burstable";
}

function parseAmounts(list: Record<string, string> = {}): Map<string, bigint> {
  const entries = ["cpu", "memory"].flatMap((resource) => {
    const amount = parseQuantity(list[resource]);
    return amount === undefined || amount <= 0n ? [] : [[resource, amount] as const];
  });
  return new Map(entries);
}
