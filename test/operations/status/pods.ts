// Pods of the cluster and of the server's answer, which the tests of podrole status vary.
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { type SeenPod, seenPodOf } from "../../../src/operations/status/seen-pod.ts";
import type { ContainerHolding, PodState } from "../../../src/protocol/state/model.ts";
import { healthyPod } from "../check/healthy.ts";

export const ARN = "arn:aws:iam::123456789012:role/";
export const READ_AT = "2026-06-01T12:00:00.000Z";

/** How the kubelet describes a sidecar that has credentials. */
export const READY = { ready: true, state: { running: { startedAt: "2026-06-01T11:00:00Z" } } };

/** How it describes one that STS denied, between two starts. */
export const DENIED = {
  restartCount: 3,
  state: { waiting: { reason: "CrashLoopBackOff" } },
  lastState: {
    terminated: {
      exitCode: 1,
      finishedAt: "2026-06-01T11:59:00Z",
      message: "STS_DENIED: Cannot assume role shop-orders -- Let the role trust the server.",
    },
  },
};

/** An injected pod with one container, `app`. */
export function podWith({
  name = "orders",
  namespace = "shop",
  sidecar = READY,
  pod = healthyPod(),
}: {
  readonly name?: string;
  readonly namespace?: string;
  readonly sidecar?: object;
  readonly pod?: Pod;
} = {}): Pod {
  const injected = structuredClone(pod);
  return {
    ...injected,
    metadata: { ...injected.metadata, name, namespace, uid: `uid-${namespace}-${name}` },
    status: { phase: "Running", initContainerStatuses: [{ name: "podrole-sidecar", ...sidecar }] },
  };
}

/** What is kept of the pod; fails if nothing is. */
export function seenWith(options: Parameters<typeof podWith>[0] = {}): SeenPod {
  const seen = seenPodOf(podWith(options));
  if (seen === undefined) throw new Error("expected a pod that is kept");
  return seen;
}

/** What the server says about the same pod. */
export function heldWith(
  holding: Partial<ContainerHolding> = {},
  { name = "orders", namespace = "shop" } = {},
): PodState {
  const times = { since: READ_AT, observedAt: READ_AT, source: "issued" } as const;
  const held = { expiresAt: "2026-06-01T12:50:00.000Z", renewedAt: "2026-06-01T11:50:00.000Z" };
  return {
    namespace,
    name,
    uid: `uid-${namespace}-${name}`,
    serviceAccount: "default",
    containers: [{ container: "app", role: `${ARN}shop-orders`, ...held, ...times, ...holding }],
  };
}
