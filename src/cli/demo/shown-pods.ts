// The pods of podrole demo --ui: each is admitted by the real webhook and runs as processes, and its status is written
// to the API server as a kubelet writes it. A pod that the webhook refuses leaves the Event that its controller would
// record. States of a pod: created → running → gone (remove(), or the node's stop()).
import type { EmulatedCluster } from "../../../emulators/cluster.ts";
import type { ProcessNode, RunningPod } from "../../../emulators/kubelet/node.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import { formatSeconds } from "../../runtime/clock.ts";
import { SIDECAR_PORT } from "./demo-node.ts";
import { freeOffset } from "./ports.ts";

/** A pod of a workload. */
export interface ShownPod {
  readonly namespace: string;
  readonly name: string;
  /** "Deployment/orders". */
  readonly workload: string;
  /** Roles by container. */
  readonly roles: Readonly<Record<string, string>>;
}

/** Creates and removes pods. */
export interface ShownPods {
  /** Resolves when the pod runs, or was refused. */
  create(pod: ShownPod): Promise<void>;
  remove(pod: ShownPod): Promise<void>;
}

/** What pods are created with. */
export interface ShownPodsDeps {
  readonly cluster: EmulatedCluster;
  readonly node: ProcessNode;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** The image of their containers: it runs until it is stopped. */
export const IDLE_IMAGE = "demo/idle:1";

/** Creates the pods' keeper; no pod exists yet. */
export function createShownPods({ cluster, node, now }: ShownPodsDeps): ShownPods {
  const { kubernetes } = cluster;
  const running = new Map<string, RunningPod>();

  function writeStatus({ namespace, name }: ShownPod, pod: RunningPod): void {
    const stored = kubernetes.store.find("pods", namespace, name);
    if (stored) kubernetes.store.replace("pods", { ...stored, status: pod.status() });
  }

  function recordFailure({ namespace, name, workload }: ShownPod, message: string): void {
    const { kind, name: owner } = controllerOfShown({ workload, name });
    const event = `${name}.refused`;
    const before = kubernetes.store.find("events", namespace, event);
    const count = Number(before?.["count"] ?? 0) + 1;
    const involvedObject = { kind, namespace, name: owner };
    const fields = { involvedObject, type: "Warning", reason: "FailedCreate", message, count };
    const metadata = before?.metadata ?? { name: event, namespace };
    const object = { ...fields, metadata, lastTimestamp: formatSeconds(now()) };
    if (before) kubernetes.store.replace("events", object);
    else kubernetes.store.create("events", object);
  }

  return {
    async create(pod) {
      const { namespace, name } = pod;
      const path = `/api/v1/namespaces/${namespace}/pods`;
      const { code, body } = await kubernetes.create(path, podObject(pod), "system:kube-controller-manager");
      if (code !== 201) {
        const { message = "" } = body as { readonly message?: string };
        recordFailure(pod, `Error creating: ${message}`);
        return;
      }
      const run = node.run(body as Pod, { portOffset: await freeOffset(SIDECAR_PORT) });
      running.set(`${namespace}/${name}`, run);
      run.onChange(() => writeStatus(pod, run));
      writeStatus(pod, run);
    },
    async remove({ namespace, name }) {
      const run = running.get(`${namespace}/${name}`);
      running.delete(`${namespace}/${name}`);
      await run?.stop(1_000);
      if (kubernetes.store.find("pods", namespace, name)) kubernetes.store.remove("pods", namespace, name);
    },
  };
}

/**
 * The object that creates the pods of a workload: of a Deployment, its ReplicaSet, whose name is the pod's without its
 * last part and ends in the hash of the pod template.
 */
function controllerOfShown({ workload, name: pod }: Pick<ShownPod, "workload" | "name">) {
  const [kind = "", name = ""] = workload.split("/");
  const replicaSet = pod.slice(0, pod.lastIndexOf("-"));
  return kind === "Deployment"
    ? { apiVersion: "apps/v1", kind: "ReplicaSet", name: replicaSet, uid: `${replicaSet}-uid` }
    : { apiVersion: "batch/v1", kind, name, uid: `${name}-uid` };
}

function podObject({ namespace, name, workload, roles }: ShownPod) {
  const controller = controllerOfShown({ workload, name });
  const hash = controller.name.slice(controller.name.lastIndexOf("-") + 1);
  return {
    metadata: {
      namespace,
      name,
      labels: controller.kind === "ReplicaSet" ? { "pod-template-hash": hash } : {},
      annotations: Object.fromEntries(
        Object.entries(roles).map(([container, role]) => [`iam.amazonaws.com/role.${container}`, role]),
      ),
      ownerReferences: [{ ...controller, controller: true }],
    },
    spec: {
      nodeName: "node-1",
      containers: Object.keys(roles).map((container) => ({ name: container, image: IDLE_IMAGE })),
    },
  };
}
