// AdmissionReviews as the API server sends them, and a fake of the cluster.
import { type NamespaceLimits, NO_LIMITS } from "../../src/injection/namespace-limits.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import type { ClusterReader } from "../../src/webhook/lookups.ts";

export const ROLE_ANNOTATIONS = { "iam.amazonaws.com/role": "shop-a" };

export function annotatedPod(annotations: Record<string, string> = ROLE_ANNOTATIONS): Pod {
  return {
    apiVersion: "v1",
    kind: "Pod",
    metadata: {
      generateName: "orders-",
      annotations,
      ownerReferences: [{ apiVersion: "apps/v1", kind: "ReplicaSet", name: "orders-1", uid: "u", controller: true }],
    },
    spec: { serviceAccountName: "orders", containers: [{ name: "app", image: "app" }] },
  };
}

export function reviewOf(object: unknown, request: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
      kind: { group: "", version: "v1", kind: "Pod" },
      resource: { group: "", version: "v1", resource: "pods" },
      namespace: "shop",
      operation: "CREATE",
      userInfo: {
        username: "system:serviceaccount:kube-system:replicaset-controller",
        groups: ["system:authenticated"],
      },
      dryRun: false,
      object,
      ...request,
    },
  };
}

type Parts = { labels?: Record<string, string>; annotations?: Record<string, string> };

/**
 * Objects by "shop" and "shop/orders", which tests change. `watched` is what the caches hold, `live` the API server.
 */
export interface FakeCluster extends ClusterReader {
  readonly watched: Map<string, Parts>;
  readonly live: Map<string, Parts>;
  readonly reads: string[];
  /** LimitRanges and ResourceQuotas of every namespace, in the caches and in the API server. */
  readonly limits: { watched: NamespaceLimits; live: NamespaceLimits };
  /** Each live read waits for this first. */
  answering: Promise<void>;
}

export const SHOP: Parts = {
  labels: { "podrole.io/inject": "enabled" },
  annotations: { "iam.amazonaws.com/permitted": ".*:role/shop-.*" },
};

export function createFakeCluster(): FakeCluster {
  const objects: [string, Parts][] = [
    ["shop", SHOP],
    ["shop/orders", {}],
  ];
  const cached = (name: string) => wrap(cluster.watched.get(name));
  const read = async (name: string) => {
    cluster.reads.push(name);
    await cluster.answering;
    return wrap(cluster.live.get(name));
  };
  const cluster: FakeCluster = {
    watched: new Map(objects),
    live: new Map(objects),
    reads: [],
    answering: Promise.resolve(),
    cachedNamespace: cached,
    cachedServiceAccount: (namespace, name) => cached(`${namespace}/${name}`),
    readNamespace: read,
    readServiceAccount: (namespace, name) => read(`${namespace}/${name}`),
    limits: { watched: NO_LIMITS, live: NO_LIMITS },
    cachedLimits: () => cluster.limits.watched,
    async readLimits(namespace) {
      cluster.reads.push(`limits of ${namespace}`);
      await cluster.answering;
      return cluster.limits.live;
    },
  };
  return cluster;
}

function wrap(metadata: Parts | undefined) {
  return metadata && { metadata };
}
