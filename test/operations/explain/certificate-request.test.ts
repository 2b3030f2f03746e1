// What explain says of a pod that waits for its certificate: the cause, and the next commands.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { KubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { plan } from "../../../src/injection/plan.ts";
import { createOperatorKubernetes } from "../../../src/kubernetes/client.ts";
import type { Condition, Pod } from "../../../src/kubernetes/objects.ts";
import {
  lastRequests,
  readLastRequest,
  type SeenRequest,
} from "../../../src/operations/explain/certificate-request.ts";
import { isWell } from "../../../src/operations/explain/explanation.ts";
import type { ExplainInput } from "../../../src/operations/explain/model.ts";
import { restartSteps } from "../../../src/operations/next-steps.ts";
import { podIn } from "../../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { createAndRead, startCluster } from "../../kubernetes/harness.ts";
import { createPod, createRequest } from "../../server/signer/requests.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { barePod, HEALTHY_NAMESPACE } from "../check/healthy.ts";
import { explained } from "./explained.ts";

const SINCE = "2026-06-01T11:59:00Z";
const LATER = "2026-06-01T11:59:30Z";

/** A pod on a node whose volume is not mounted yet. */
function waitingPod(): Pod {
  const { annotations, labels, name } = HEALTHY_NAMESPACE.metadata;
  const namespace = { name, labels, annotations };
  const settings = { ...PLAN_SETTINGS, podCertificates: true };
  const pod = podIn(plan({ pod: barePod(), namespace, serviceAccountAnnotations: {} }, settings));
  return {
    ...pod,
    metadata: { ...pod.metadata, uid: "uid-1", creationTimestamp: SINCE },
    spec: { ...pod.spec, nodeName: "node-7" },
    status: { phase: "Pending" },
  };
}

function requested(condition?: Pick<Condition, "type" | "reason" | "message">): SeenRequest {
  const answer = condition && ({ ...condition, status: "True", lastTransitionTime: SINCE } as const);
  return { name: "req-1", created: SINCE, podUid: "uid-1", answer };
}

const explainedWith = (lastRequest: ExplainInput["lastRequest"]) =>
  explained({ pod: waitingPod(), exists: true, ...(lastRequest && { lastRequest }) });

const RECREATE = restartSteps(waitingPod(), "the kubelet makes no further request");

for (const [what, lastRequest, cause, next] of [
  [
    "that was denied",
    { value: requested({ type: "Denied", reason: "POD_UNKNOWN", message: "Cannot identify pod" }) },
    /^PodCertificateRequest req-1 was denied, which is final for this pod: POD_UNKNOWN: Cannot identify pod$/,
    ["kubectl -n shop edit pod/orders  # correct what the message names", ...RECREATE],
  ],
  [
    "with a key that no signer of podrole's accepts",
    { value: requested({ type: "Denied", reason: "UnsupportedKeyType", message: "Cannot read the key" }) },
    /: UnsupportedKeyType: Cannot read the key$/,
    ["kubectl -n shop edit pod/orders  # correct what the message names", ...RECREATE],
  ],
  [
    "that has failed",
    { value: requested({ type: "Failed", reason: "Other", message: "no" }) },
    /^PodCertificateRequest req-1 has failed, which is final for this pod: Other: no$/,
    ["kubectl -n shop edit pod/orders  # correct what the message names", ...RECREATE],
  ],
  [
    "without an answer",
    { value: requested() },
    /^PodCertificateRequest req-1 has had no answer since 2026-06-01T11:59:00Z: podrole's server signs it/,
    ["podrole check --quiet"],
  ],
  [
    "that does not exist",
    { value: undefined },
    /^the kubelet of node node-7 has requested no pod certificate for it: a kubelet older than 1\.37 never does/,
    ["podrole check --quiet"],
  ],
  [
    "that may not be read",
    { unknown: "403", needs: ["list on podcertificaterequests in namespace shop"] },
    /^whether its pod certificate was denied: cannot tell: needs list on podcertificaterequests in namespace shop$/,
    [],
  ],
] as const) {
  test(`explainPod() says of a pod with a request ${what} why it waits, and what to do`, () => {
    const explanation = explainedWith(lastRequest);
    assert.match(explanation.existing?.causes?.[0] ?? "", cause);
    assert.deepEqual(explanation.next, next);
    assert.equal(isWell(explanation), false);
  });
}

test("explainPod() says nothing of a request that was granted", () => {
  const granted = { value: requested({ type: "Issued", reason: "Issued", message: "" }) };
  assert.deepEqual(explainedWith(granted).existing?.causes, undefined);
});

test("explainPod() names the denial of a pod that mounts a certificate of podrole's signer without podrole", () => {
  const projected = { sources: [{ podCertificate: { signerName: "podrole.io/pod", credentialBundlePath: "c.pem" } }] };
  const pod = barePod("shop-orders", { nodeName: "node-7", volumes: [{ name: "own", projected }] });
  const message = "Cannot identify pod: it lacks podrole's parts";
  const lastRequest = { value: requested({ type: "Denied", reason: "POD_NOT_INJECTED", message }) };
  const { existing, next } = explained({ pod, exists: true, lastRequest });
  assert.match(existing?.causes?.[0] ?? "", /POD_NOT_INJECTED: Cannot identify pod: it lacks podrole's parts$/);
  assert.deepEqual(next.slice(-RECREATE.length), RECREATE);
});

test("explainPod() says of a pod whose volume lost its sources that the features are switched off, and what to do", () => {
  const pod = waitingPod();
  const lost = { name: "podrole-proof", projected: { sources: [{}, {}] } };
  const volumes = [...(pod.spec.volumes ?? []).filter(({ name }) => name !== lost.name), lost];
  const explanation = explained({ pod: { ...pod, spec: { ...pod.spec, volumes } }, exists: true });
  assert.match(explanation.cause ?? "", /the API server has removed the pod certificate and the trust bundle/);
  assert.deepEqual(explanation.next, [
    "podrole check --quiet",
    "kubectl annotate namespace shop podrole.io/pod-certificates=disabled --overwrite  # only if the API stays switched off: new pods of the namespace get a token",
    ...restartSteps(pod, "the volume of a pod cannot be changed"),
  ]);
  assert.equal(isWell(explanation), false);
});

test("explainPod() says nothing of lost sources of a pod that has its own", () => {
  assert.doesNotMatch(explained({ pod: waitingPod(), exists: true }).cause ?? "", /has removed/);
});

async function startTeam(context: TestContext) {
  const { emulator } = await startCluster(context);
  await createAndRead(emulator, "/api/v1/namespaces", { metadata: { name: "team" } });
  function connect(username?: string) {
    const kubeconfigPath = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig(username));
    const client = createOperatorKubernetes({ kubeconfigPath });
    context.after(() => client.close());
    return client;
  }
  return { emulator, connect };
}

/** The pod with the volume of a pod certificate, on its node. */
async function createCertified(emulator: KubernetesEmulator, name: string): Promise<Pod> {
  const pod = await createPod(emulator, name);
  const projected = { sources: [{ podCertificate: { signerName: "podrole.io/pod", credentialBundlePath: "c.pem" } }] };
  return { ...pod, spec: { ...pod.spec, volumes: [{ name: "podrole-proof", projected }] } };
}

test("readLastRequest() returns the last request of this pod alone", async (context) => {
  const { emulator, connect } = await startTeam(context);
  const [pod, other] = [await createCertified(emulator, "web"), await createCertified(emulator, "other")];
  await createRequest(emulator, other);
  const kubernetes = connect();
  assert.deepEqual(await readLastRequest(kubernetes, pod), { value: undefined });
  const request = await createRequest(emulator, pod);
  const read = await readLastRequest(kubernetes, pod);
  assert.ok(read && "value" in read);
  assert.equal(read.value?.name, request.metadata.name);
});

test("lastRequests() returns the request that holds back a pod with several, not the last one", () => {
  const denied = requested({ type: "Denied", reason: "REQUEST_INVALID", message: "no" });
  const granted = requested({ type: "Issued", reason: "Issued", message: "" });
  const at = (request: SeenRequest, name: string, created: string) => ({ ...request, name, created });
  const lastOf = (items: readonly SeenRequest[]) => lastRequests(items).get("uid-1");
  const [first, waiting, last] = [at(denied, "a", SINCE), at(requested(), "b", SINCE), at(granted, "c", LATER)];
  assert.deepEqual(lastOf([last, first, waiting]), first);
  assert.deepEqual(lastOf([last, waiting]), waiting);
  assert.deepEqual(lastOf([at(granted, "d", SINCE), last]), last);
  assert.equal(lastOf([{ ...first, podUid: "uid-2" }]), undefined);
});

test("readLastRequest() returns which right is missing", async (context) => {
  const { emulator, connect } = await startTeam(context);
  const pod = await createCertified(emulator, "web");
  emulator.restrict("alice", []);
  const read = await readLastRequest(connect("alice"), pod);
  assert.ok(read && "unknown" in read);
  assert.deepEqual(read.needs, ["list on podcertificaterequests in namespace team"]);
});

for (const [what, change] of [
  ["has an address, so that its volumes are mounted", { status: { podIP: "10.0.0.7" } }],
  ["has finished", { status: { phase: "Failed" } }],
  ["has a token", { spec: { nodeName: "node-1", containers: [], volumes: [{ name: "other" }] } }],
  ["is on no node", { spec: { containers: [] } }],
] as const) {
  test(`readLastRequest() does not read for a pod that ${what}`, async () => {
    const listProjected = () => assert.fail("read");
    assert.equal(await readLastRequest({ listProjected }, { ...waitingPod(), ...(change as Partial<Pod>) }), undefined);
  });
}
