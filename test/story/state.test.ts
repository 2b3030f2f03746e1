// What operators see of pods, with the real programs: server and webhook on an emulated API server and STS, sidecars as
// processes. The state is read as podrole's command line reads it, through the API server.
import assert from "node:assert/strict";
import { after, before, suite, test } from "node:test";
import type { RunningProgram } from "../../emulators/start-program.ts";
import { until } from "../../emulators/until.ts";
import { createOperatorKubernetes } from "../../src/kubernetes/client.ts";
import type { OperatorKubernetes } from "../../src/kubernetes/operator.ts";
import { readServerState } from "../../src/operations/state/read-state.ts";
import { createCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { requestCertificate, type ServerEndpoint } from "../../src/protocol/client.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import type { ClusterState } from "../../src/protocol/state/model.ts";
import type { AdmittedPod } from "../admitted-pod.ts";
import { openPrograms, type Programs } from "../programs.ts";
import { writeTemporaryFile } from "../temporary-files.ts";

const roleArn = (name: string) => `arn:aws:iam::123456789012:role/${name}`;
const SERVICE = "podrole/https:podrole-server:state";

interface PodEventObject {
  readonly reason: string;
  readonly message: string;
  readonly involvedObject: { readonly name: string };
}

suite("the server's state", { timeout: 240_000 }, () => {
  let programs: Programs;
  /** The one that runs now. */
  let server: RunningProgram;
  let kubernetes: OperatorKubernetes;
  const ends: (() => unknown)[] = [];

  before(async () => {
    programs = await openPrograms({ roles: ["shop-app", "shop-slow"], denied: ["shop-denied"] });
    server = programs.cluster.server;
    const emulator = programs.cluster.kubernetes;
    emulator.restrict("system:serviceaccount:podrole:podrole-reader", [
      { nonResourceURLs: ["/podrole/state"], verbs: ["get"] },
    ]);
    const account = { metadata: { name: "podrole-reader" } };
    await emulator.create("/api/v1/namespaces/podrole/serviceaccounts", account);
    emulator.pages.set(SERVICE, `127.0.0.1:${server.ports["state"]}`);
    const kubeconfigPath = writeTemporaryFile({ after: (end) => ends.push(end) }, "kubeconfig", emulator.kubeconfig());
    const client = createOperatorKubernetes({ kubeconfigPath });
    ends.push(() => client.close());
    kubernetes = client;
  });
  after(async () => {
    for (const end of ends) await end();
    await programs?.close();
  });

  async function readState(): Promise<ClusterState> {
    const read = await readServerState({ kubernetes }, { podroleNamespace: "podrole" });
    assert.ok(read.ok, read.ok ? "" : read.problem.text);
    return read.value.state;
  }
  const podOf = async (name: string) => (await readState()).pods.find((pod) => pod.name === name);

  const identityPortOf = ({ identityPort }: AdmittedPod): ServerEndpoint => ({
    ...identityPort,
    address: `127.0.0.1:${server.ports["identity"]}`,
  });

  /** Resolves with the first Event of this reason on the pod. */
  async function eventOf(name: string, reason: string): Promise<PodEventObject> {
    const find = () =>
      programs.cluster.kubernetes.store
        .list("events")
        .map((event) => event as unknown as PodEventObject)
        .find((event) => event.involvedObject.name === name && event.reason === reason);
    await until(() => find() !== undefined, `an Event ${reason} on pod ${name}`);
    return find() ?? assert.fail("gone");
  }

  test("a pod holds its role, and a server that has just started knows it again from the pod's next call", async () => {
    const pod = await programs.createPod({ name: "orders", roles: { app: "shop-app" } });
    const sidecar = await programs.startSidecar(pod);
    const [held] = (await podOf("orders"))?.containers ?? [];
    assert.deepEqual([held?.container, held?.role, held?.source], ["app", roleArn("shop-app"), "issued"]);
    assert.ok(Date.parse(held?.expiresAt ?? "") > Date.now());
    assert.deepEqual(
      (await readState()).replicas.map(({ account }) => account),
      ["123456789012"],
    );
    await sidecar.close();

    await server.stop();
    server = await programs.cluster.startServer();
    programs.cluster.kubernetes.pages.set(SERVICE, `127.0.0.1:${server.ports["state"]}`);
    await until(async () => (await podOf("orders")) !== undefined, "the new server has listed the pods");
    const unknown = await podOf("orders");
    assert.deepEqual([unknown?.containers, typeof unknown?.unknownSince], [[], "string"]);

    const csr = createCsr(generateKeyPem(), "orders");
    const holding = { container: "app", roleArn: roleArn("shop-app"), remainingSeconds: 1_000, code: "" };
    const invented = { ...holding, container: "invented" };
    const holdings = [holding, invented];
    await requestCertificate(
      identityPortOf(pod),
      { token: await pod.newToken(), csr, bundleHash: "", holdings },
      15_000,
    );
    const known = await podOf("orders");
    assert.deepEqual(
      known?.containers.map(({ container, role, source }) => [container, role, source]),
      [["app", roleArn("shop-app"), "reported"]],
    );
  });

  test("STS_DENIED: the refusal is in the state, and an Event on the pod says what to do", async () => {
    const pod = await programs.createPod({ name: "denied", roles: { app: "shop-denied" } });
    const csr = createCsr(generateKeyPem(), "denied");
    const input = { token: await pod.newToken(), csr, bundleHash: "", containers: ["app"] };
    const { grants } = await requestCertificate(identityPortOf(pod), input, 15_000);
    assert.equal(grants[0]?.result?.$case, "refusal");
    const { message } = await eventOf("denied", "STS_DENIED");
    assert.ok(message.endsWith(ERRORS.STS_DENIED.remedy), message);
    const { pods, refusals, sts } = await readState();
    const row = refusals?.rows.find((refusal) => refusal.pod === "denied");
    assert.deepEqual([row?.code, row?.container, row?.role], ["STS_DENIED", "app", roleArn("shop-denied")]);
    assert.equal(pods.find(({ name }) => name === "denied")?.containers[0]?.code, "STS_DENIED");
    assert.ok((sts?.results["STS_DENIED"] ?? 0) > 0);
  });

  test("STS_UNAVAILABLE: an Event says that a pod waits while STS has not answered yet", async () => {
    programs.cluster.sts.faults.set({ kind: "stall", ms: 60_000 }, { roleArn: roleArn("shop-slow") });
    const pod = await programs.createPod({ name: "slow", roles: { app: "shop-slow" } });
    const csr = createCsr(generateKeyPem(), "slow");
    const input = { token: await pod.newToken(), csr, bundleHash: "", containers: ["app"] };
    const { grants } = await requestCertificate(identityPortOf(pod), input, 15_000);
    assert.deepEqual(grants, []);
    const { message } = await eventOf("slow", "STS_UNAVAILABLE");
    assert.match(message, /container "app" of pod "shop\/slow" yet: STS has not answered for 3 s/);
    assert.ok(message.endsWith(ERRORS.STS_UNAVAILABLE.remedy), message);
  });
});
