// What the situations of operators are made of: namespaces, pods and Deployments of the real cluster, and what shows
// that they are well.
import { appContainer, deploymentManifest, injectedNamespace, type PodShape, podManifest } from "./pods.ts";
import { runPodrole } from "./run-podrole.ts";
import { kubectl, Not, untilSuccess } from "./suite.ts";

/** Longer than the kubelet's waits after the second failed start. */
const RECOVERY_SECONDS = 300;

/** It runs also without credentials. */
export const IDLE = appContainer("app", "start", { args: ["--eval", "setInterval(() => {}, 60_000)"] });

/** Runs kubectl in a namespace. */
export const inNamespace = (namespace: string) => (args: readonly string[], input?: string) =>
  kubectl.ok(["-n", namespace, ...args], input);

/** Returns the commands with which an operator looks at a namespace first. */
export function looksAt(namespace: string, kind: "pod" | "deployment"): readonly string[] {
  const kinds = kind === "pod" ? "pods" : "deployments,replicasets,pods";
  return [
    `kubectl -n ${namespace} get ${kinds}`,
    `kubectl -n ${namespace} get events --field-selector type=Warning -o custom-columns=OBJECT:.involvedObject.name,REASON:.reason,MESSAGE:.message`,
  ];
}

/** Creates a namespace whose pods are injected. */
export async function createNamespace(
  name: string,
  metadata: Pick<PodShape, "labels" | "annotations"> = {},
): Promise<void> {
  await kubectl.ok(["apply", "-f", "-"], injectedNamespace(name, metadata));
}

/** Creates a pod. */
export async function applyPod(namespace: string, shape: PodShape, name = "orders"): Promise<void> {
  await inNamespace(namespace)(["apply", "-f", "-"], podManifest(name, shape));
}

/** Creates a pod that is older than its namespace's label, and therefore not injected. */
export async function createOlderPod(namespace: string): Promise<void> {
  await createNamespace(namespace);
  await kubectl.ok(["label", "namespace", namespace, "podrole.io/inject-"]);
  await applyPod(namespace, { role: "shop-orders", containers: [IDLE] }, "older");
  // Times of the API server are in seconds.
  await new Promise((resolve) => setTimeout(resolve, 2_000));
  await kubectl.ok(["label", "namespace", namespace, "podrole.io/inject=enabled"]);
}

/** Creates Deployment orders. */
export async function createDeployment(namespace: string, shape: PodShape, replicas: number): Promise<void> {
  await inNamespace(namespace)(["apply", "-f", "-"], deploymentManifest("orders", shape, replicas));
}

/** Fails unless the pod becomes ready. */
export async function podIsReady(namespace: string, name = "orders"): Promise<void> {
  await inNamespace(namespace)(["wait", `pod/${name}`, "--for=condition=Ready", `--timeout=${RECOVERY_SECONDS}s`]);
}

/** Fails unless Deployment orders is rolled out. */
export async function untilRolledOut(namespace: string): Promise<void> {
  const timeout = `--timeout=${RECOVERY_SECONDS}s`;
  await inNamespace(namespace)(["rollout", "status", "deployment/orders", timeout]);
}

/** Fails unless explain finds nothing wrong with the pod. */
export async function untilWell(namespace: string, object = "pod/orders"): Promise<void> {
  await untilSuccess(`${object} in ${namespace} to be well`, async () => {
    const { code, out, err } = await runPodrole(["explain", object, "-n", namespace]);
    return code === 0 && !out.includes("cause: ") ? out : new Not(out + err);
  });
}

/** Runs in all situations; those of the whole cluster concern it. */
export const STEADY_NAMESPACE = "shop-0";

/** Creates a pod that has its credentials before the first situation. */
export async function createSteadyPod(): Promise<void> {
  await createNamespace(STEADY_NAMESPACE);
  await applyPod(STEADY_NAMESPACE, { role: "shop-orders" });
  await podIsReady(STEADY_NAMESPACE);
}
