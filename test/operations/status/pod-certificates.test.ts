// What podrole status says of pods that wait for a pod certificate: the same as podrole explain of each of them.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import type { PolicyRule } from "../../../emulators/kubernetes/access.ts";
import { createKubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { plan } from "../../../src/injection/plan.ts";
import { createOperatorKubernetes } from "../../../src/kubernetes/client.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import type { SeenRequest } from "../../../src/operations/explain/certificate-request.ts";
import { podRows } from "../../../src/operations/status/pod-rows.ts";
import { seenPodOf } from "../../../src/operations/status/seen-pod.ts";
import { readStatus } from "../../../src/operations/status/status.ts";
import { SECOND_MS, systemClock } from "../../../src/runtime/clock.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { readManifest } from "../../files.ts";
import { podIn } from "../../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { barePod, createInstalledObjects, HEALTHY_NAMESPACE, knownFact } from "../check/healthy.ts";

const CREATED = "2026-06-01T11:59:00Z";
const SINCE = "2026-06-01T11:59:05Z";
const NOT_HELD = { unknown: "not asked", needs: [] };

/** An injected pod on a node whose volume is not mounted yet. */
function waitingPod(): Pod {
  const { annotations, labels, name } = HEALTHY_NAMESPACE.metadata;
  const settings = { ...PLAN_SETTINGS, podCertificates: true };
  const namespace = { name, labels, annotations };
  const pod = podIn(plan({ pod: barePod(), namespace, serviceAccountAnnotations: {} }, settings));
  return {
    ...pod,
    metadata: { ...pod.metadata, namespace: "shop", uid: "uid-1", creationTimestamp: CREATED },
    spec: { ...pod.spec, nodeName: "node-7" },
    status: { phase: "Pending" },
  };
}

/** A request of the pod, with an answer of this type. */
function requested(type?: "Issued" | "Denied"): SeenRequest {
  const texts = { reason: "REQUEST_INVALID", message: "Cannot issue a pod certificate" };
  const answer = type && ({ type, ...texts, status: "True", lastTransitionTime: SINCE } as const);
  return { name: "req-1", created: SINCE, podUid: "uid-1", answer };
}

/** The pod's row so many seconds after its request. */
function rowOf(request: SeenRequest | undefined, secondsLater: number, pod = waitingPod()) {
  const seen = seenPodOf(pod) ?? assert.fail("not kept");
  const now = Date.parse(SINCE) + secondsLater * SECOND_MS;
  const requests = new Map(request === undefined ? [] : [[request.podUid, request]]);
  return podRows({ now, seen: knownFact([seen]), held: NOT_HELD, requests })[0];
}

suite("podRows() of a pod that waits for a pod certificate", () => {
  test("names a denial at once, with the commands that create the pod again", () => {
    const row = rowOf(requested("Denied"), 1);
    assert.match(row?.cause ?? "", /^PodCertificateRequest req-1 was denied, .*: REQUEST_INVALID: Cannot issue/);
    assert.match(JSON.stringify(row), /# the kubelet makes no further request/);
  });

  test("names a request that has no answer, and a kubelet that made none, after 10 s", () => {
    assert.equal(rowOf(requested(), 9)?.cause, undefined);
    assert.match(rowOf(requested(), 11)?.cause ?? "", /^PodCertificateRequest req-1 has had no answer since /);
    assert.equal(rowOf(undefined, 4)?.cause, undefined);
    assert.match(rowOf(undefined, 6)?.cause ?? "", /^the kubelet of node node-7 has requested no pod certificate/);
  });

  test("names nothing once the certificate was issued, nor for a pod whose volumes are mounted", () => {
    assert.equal(rowOf(requested("Issued"), 60)?.cause, undefined);
    const mounted = { ...waitingPod(), status: { phase: "Pending", podIP: "10.0.0.7" } };
    assert.equal(rowOf(requested("Denied"), 60, mounted)?.cause, undefined);
  });
});

/** Reads the status of namespace shop, with a pod whose request was denied, as a user with these rights. */
async function readDenied(context: TestContext, rights?: readonly PolicyRule[]) {
  const emulator = createKubernetesEmulator({ clock: systemClock });
  await emulator.listen();
  context.after(() => emulator.close());
  createInstalledObjects(emulator.store);
  emulator.store.create("pods", waitingPod());
  emulator.store.create("podcertificaterequests", {
    metadata: { name: "req-1", namespace: "shop" },
    spec: { signerName: "podrole.io/pod", podName: "orders", podUID: "uid-1", nodeName: "node-7" },
    status: { conditions: [requested("Denied").answer] },
  });
  if (rights !== undefined) emulator.restrict("alice", rights);
  const path = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig(rights && "alice"));
  const kubernetes = createOperatorKubernetes({ kubeconfigPath: path });
  context.after(() => kubernetes.close());
  const result = await readStatus(
    { kubernetes, clock: createFakeClock(), askServer: async () => NOT_HELD, progress: () => {} },
    { topic: "pods", namespace: "shop", labelSelector: undefined, podroleNamespace: "podrole" },
  );
  assert.ok(result.ok);
  return result.value;
}

test("readStatus() reads the requests of pods that wait for a pod certificate", async (context) => {
  const { pods } = await readDenied(context);
  assert.match(pods?.[0]?.cause ?? "", /^PodCertificateRequest req-1 was denied/);
});

test("readStatus() reads them with the role for developers of manifests/base/developer.yaml", async (context) => {
  const [developer] = readManifest<{ rules: PolicyRule[] }>("base/developer.yaml");
  const { pods } = await readDenied(context, developer?.rules);
  assert.match(pods?.[0]?.cause ?? "", /^PodCertificateRequest req-1 was denied/);
});

test("readStatus() names the right without which it does not know why pods wait", async (context) => {
  const { pods, unknown } = await readDenied(context, [
    { apiGroups: ["*"], resources: ["pods", "namespaces", "events"], verbs: ["get", "list"] },
  ]);
  assert.equal(pods?.[0]?.cause, undefined);
  const part = unknown.find(({ what }) => what === "why pods wait for a pod certificate");
  assert.deepEqual(part?.needs, ["list on podcertificaterequests in namespace shop"]);
});
