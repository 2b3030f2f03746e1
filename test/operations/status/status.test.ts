// readStatus() with an answer of the server: the API server emulator, and what the server says.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { createKubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { createOperatorKubernetes } from "../../../src/kubernetes/client.ts";
import type { ConfigMap } from "../../../src/kubernetes/objects.ts";
import type { Known } from "../../../src/operations/known.ts";
import type { StateRead } from "../../../src/operations/state/read-state.ts";
import { readStatus } from "../../../src/operations/status/status.ts";
import type { ClusterState } from "../../../src/protocol/state/model.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { CA, createInstalledObjects } from "../check/healthy.ts";
import { ARN, heldWith, podWith, READ_AT } from "./pods.ts";

async function setUp(context: TestContext) {
  const emulator = createKubernetesEmulator({ clock: systemClock });
  await emulator.listen();
  context.after(() => emulator.close());
  createInstalledObjects(emulator.store);
  emulator.store.create("pods", podWith());
  const path = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig());
  const kubernetes = createOperatorKubernetes({ kubeconfigPath: path });
  context.after(() => kubernetes.close());
  const asked: (string | undefined)[] = [];
  async function read(topic: "pods" | "refusals" | "trust", answer: Known<StateRead>) {
    const askServer = async (namespace: string | undefined) => {
      asked.push(namespace);
      return answer;
    };
    const deps = { kubernetes, clock: createFakeClock(), askServer, progress: () => {} };
    const options = { topic, namespace: "shop", labelSelector: undefined, podroleNamespace: "podrole" };
    const result = await readStatus(deps, options);
    assert.ok(result.ok);
    return result.value;
  }
  return { asked, read, store: emulator.store };
}

function answerWith(state: Partial<ClusterState>, silent: StateRead["silent"] = []): Known<StateRead> {
  const whole: ClusterState = { replicas: [], pods: [heldWith()], ...state };
  return { value: { state: whole, silent, isComplete: silent.length === 0, ignored: 0 } };
}

suite("readStatus()", () => {
  test("readStatus() asks about the namespace, and shows what containers hold", async (context) => {
    const { asked, read } = await setUp(context);
    const { pods, unknown } = await read("pods", answerWith({}));
    assert.deepEqual([asked, unknown], [["shop"], []]);
    assert.deepEqual(
      [pods?.[0]?.role, pods?.[0]?.roleFrom, pods?.[0]?.expires],
      [`${ARN}shop-orders`, "server", "2026-06-01T12:50:00.000Z"],
    );
  });

  test("readStatus() names the replicas that did not answer", async (context) => {
    const { read } = await setUp(context);
    const { unknown, pods } = await read(
      "pods",
      answerWith({}, [{ replica: "server-2", problem: "it does not respond" }]),
    );
    assert.deepEqual(unknown, [
      { what: "what only replica server-2 of the server knows", why: "it does not respond", needs: [] },
    ]);
    assert.equal(pods?.length, 1);
  });

  test("readStatus() shows the server's records of refusals, and since when they are complete", async (context) => {
    const { read } = await setUp(context);
    const row = {
      ...{ time: READ_AT, since: READ_AT, count: 2, namespace: "shop", pod: "orders", uid: "u", container: "app" },
      ...{ code: "STS_DENIED", reason: "Cannot assume role" },
    };
    const { refusals, refusalsSince, unknown } = await read(
      "refusals",
      answerWith({ refusals: { recordedSince: READ_AT, rows: [row] } }),
    );
    assert.deepEqual(
      [refusals?.map(({ code, from }) => [code, from]), refusalsSince],
      [[["STS_DENIED", "server"]], READ_AT],
    );
    assert.deepEqual(unknown, []);
  });

  test("readStatus() reads the trust bundle from the ConfigMap that the server's settings name", async (context) => {
    const { store, read } = await setUp(context);
    const common = store.get("configmaps", "podrole", "podrole-common") as ConfigMap;
    const data = { ...common.data, PODROLE_TRUST_CONFIG_MAP: "podrole/own-trust" };
    store.replace("configmaps", { ...common, data });
    store.create("configmaps", { metadata: { name: "own-trust", namespace: "podrole" }, data: { "bundle.pem": CA } });
    const { trust } = await read("trust", { unknown: "not asked" });
    assert.deepEqual(
      trust?.map(({ subject, inBundle }) => [subject, inBundle]),
      [["O=podrole, CN=podrole CA", true]],
    );
  });

  test("readStatus() asks about the whole installation for trust", async (context) => {
    const { asked, read } = await setUp(context);
    const slot = { slot: "current", subject: "CN=podrole CA", fingerprint: "AA", expiresAt: READ_AT } as const;
    const trust = { slots: [slot], leafSeconds: 3600, outlook: [], waitsFor: [] };
    const status = await read("trust", answerWith({ trust }));
    assert.deepEqual([asked, status.namespace, status.trust?.[0]?.slot], [[undefined], undefined, "current"]);
  });
});
