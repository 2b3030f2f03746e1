// The pods of the authorization matrix, and what happens to some of them after their admission.
import { randomUUID } from "node:crypto";
import type { KubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";

/** What a pod of the matrix has. */
export interface PodSource {
  readonly namespace: string;
  readonly account: string;
  /** Role of each container; a container without one takes no part. */
  readonly containers: Readonly<Record<string, string | undefined>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly hostNetwork?: boolean;
  readonly sidecar?: boolean;
}

/** The pods. Every container name is used once, so that a name means one container of one pod. */
export const AUTHORIZATION_PODS = {
  orders: {
    namespace: "shop",
    account: "orders",
    containers: { app: "shop-app", worker: "shop-worker", cron: undefined },
    sidecar: true,
  },
  batch: { namespace: "shop", account: "orders", containers: { batch: "shop-batch" }, sidecar: true },
  web: { namespace: "shop", account: "web", containers: { web: "shop-web" }, sidecar: true },
  ledger: { namespace: "bank", account: "ledger", containers: { ledger: "bank-ledger" }, sidecar: true },
  metadata: {
    namespace: "shop",
    account: "metadata",
    containers: { meta: "shop-meta" },
    annotations: { "podrole.io/metadata": "enabled" },
    sidecar: true,
  },
  metadataV1: {
    namespace: "shop",
    account: "metadata",
    containers: { metav1: "shop-metav1" },
    annotations: { "podrole.io/metadata": "enabled-v1" },
    sidecar: true,
  },
  repointed: { namespace: "shop", account: "orders", containers: { repointed: "shop-repointed", spare: undefined } },
  withdrawn: { namespace: "former", account: "former", containers: { withdrawn: "former-app" } },
  unpinned: { namespace: "shop", account: "orders", containers: { unpinned: "shop-unpinned" } },
  misread: { namespace: "shop", account: "orders", containers: { misread: "shop-misread" } },
  unlabelled: { namespace: "outside", account: "unlabelled", containers: { outside: "outside-app" } },
  optedOut: {
    namespace: "shop",
    account: "out",
    containers: { out: "shop-out" },
    annotations: { "podrole.io/inject": "disabled" },
  },
  hostNetwork: { namespace: "shop", account: "host", containers: { host: "shop-host" }, hostNetwork: true },
  finished: { namespace: "shop", account: "orders", containers: { finished: "shop-finished" } },
  deleted: { namespace: "shop", account: "orders", containers: { deleted: "shop-deleted" } },
  replaced: { namespace: "shop", account: "orders", containers: { replaced: "shop-replaced" } },
} as const satisfies Record<string, PodSource>;

/** A pod of the matrix, by id. */
export type PodId = keyof typeof AUTHORIZATION_PODS;

/** A pod as it was created. */
export interface MatrixPod {
  readonly source: PodSource;
  readonly pod: Pod;
  readonly name: string;
  readonly uid: string;
  /** Its token for podrole's audience. */
  readonly token: string;
}

/** Ends the pods whose end is what their callers are about. */
export function endPods(
  { store }: Pick<KubernetesEmulator, "store">,
  { finished, deleted, replaced }: Readonly<Record<PodId, MatrixPod>>,
): void {
  const stored = store.get("pods", "shop", finished.name);
  store.replace("pods", { ...stored, status: { phase: "Succeeded" } });
  store.remove("pods", "shop", deleted.name);
  const { metadata, ...rest } = store.remove("pods", "shop", replaced.name);
  store.create("pods", { ...rest, metadata: { ...metadata, uid: randomUUID() } });
}

/** Changes the pods whose change since admission is what their callers are about. */
export function changePods(
  { store }: Pick<KubernetesEmulator, "store">,
  { repointed, withdrawn, unpinned, misread }: Readonly<Record<PodId, MatrixPod>>,
): void {
  const [pod, namespace] = [
    store.get("pods", "shop", repointed.name),
    store.get("namespaces", undefined, withdrawn.source.namespace),
  ];
  const annotations = { "iam.amazonaws.com/role": "shop-app", "podrole.io/containers": "repointed,spare" };
  store.replace("pods", { ...pod, metadata: { ...pod.metadata, annotations } });
  store.replace("namespaces", { ...namespace, metadata: { ...namespace.metadata, annotations: {} } });
  for (const [changed, value] of [
    [unpinned, undefined],
    [misread, "{}"],
  ] as const) {
    const stored = store.get("pods", "shop", changed.name) as unknown as Pod;
    const initContainers = stored.spec.initContainers?.map((container) => ({
      ...container,
      env: container.env?.flatMap((variable) => {
        if (variable.name !== "PODROLE_PINNED_ROLES") return [variable];
        return value === undefined ? [] : [{ ...variable, value }];
      }),
    }));
    store.replace("pods", { ...stored, spec: { ...stored.spec, initContainers } });
  }
}
