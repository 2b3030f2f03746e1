// The pod of --imds: the API server accepts it, and it is deleted whatever happens.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { suite, type TestContext, test } from "node:test";
import { promisify } from "node:util";
import { createKubernetesEmulator } from "../../../../emulators/kubernetes/emulator.ts";
import { createOperatorKubernetes } from "../../../../src/kubernetes/client.ts";
import { ApiError } from "../../../../src/kubernetes/errors.ts";
import { probeMetadata, probeScript, readAnswer } from "../../../../src/operations/check/collect/metadata-probe.ts";
import { systemClock } from "../../../../src/runtime/clock.ts";
import { createFakeClock } from "../../../fakes/clock.ts";
import { listenOnLoopback } from "../../../loopback.ts";
import { writeTemporaryFile } from "../../../temporary-files.ts";

const OPTIONS = { namespace: "shop", image: "registry.example/podrole-server:1" };

async function cluster(context: TestContext) {
  const emulator = createKubernetesEmulator({ clock: systemClock });
  await emulator.listen();
  emulator.store.create("namespaces", { metadata: { name: "shop" } });
  emulator.store.create("serviceaccounts", { metadata: { name: "default", namespace: "shop" } });
  const kubeconfigPath = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig());
  const kubernetes = createOperatorKubernetes({ kubeconfigPath });
  context.after(async () => {
    await kubernetes.close();
    await emulator.close();
  });
  const created: { readonly metadata: object; readonly type: string }[] = [];
  emulator.store.onChange(({ plural, type, object }) => {
    if (plural === "pods") created.push({ type, metadata: object.metadata });
  });
  return { emulator, kubernetes, seen: created };
}

suite("probeMetadata()", () => {
  test("times out after a minute, reports what the pod waits for, and deletes it", async (context) => {
    const { emulator, kubernetes, seen } = await cluster(context);
    const clock = createFakeClock();
    const ended = probeMetadata({ kubernetes, clock, interrupted: new AbortController().signal }, OPTIONS);
    const over = ended.then(() => "over" as const);
    const soon = () => new Promise<void>((resolve) => setTimeout(resolve, 2));
    while ((await Promise.race([over, soon()])) !== "over") await clock.advance(1_000);
    assert.deepEqual(await ended, {
      namespace: "shop",
      answer: "unknown",
      detail: "it did not end within 60 s: Pending",
    });
    assert.deepEqual(emulator.store.list("pods", "shop"), []);
    assert.deepEqual(
      seen.map(({ type }) => type),
      ["ADDED", "DELETED"],
    );
  });

  test("deletes the pod when it is interrupted", async (context) => {
    const { emulator, kubernetes } = await cluster(context);
    const interruption = new AbortController();
    const stop = emulator.store.onChange(({ plural, type }) => {
      if (plural === "pods" && type === "ADDED") setTimeout(() => interruption.abort(), 20);
    });
    const deps = { kubernetes, clock: systemClock, interrupted: interruption.signal };
    const { answer, detail } = await probeMetadata(deps, OPTIONS);
    stop();
    assert.equal(answer, "unknown");
    assert.match(detail, /it was interrupted/);
    assert.deepEqual(emulator.store.list("pods", "shop"), []);
  });
});

test("probeMetadata() deletes a pod whose creation was not confirmed", async (context) => {
  const { emulator, kubernetes } = await cluster(context);
  const createObject: typeof kubernetes.createObject = async (...call) => {
    await kubernetes.createObject(...call);
    throw new ApiError(0, "", "the API server did not answer in time");
  };
  const deps = {
    kubernetes: { ...kubernetes, createObject },
    clock: systemClock,
    interrupted: new AbortController().signal,
  };
  await assert.rejects(probeMetadata(deps, OPTIONS), /did not answer in time/);
  assert.deepEqual(emulator.store.list("pods", "shop"), []);
});

for (const [log, expected] of [
  ["PODROLE-METADATA answered 401\n", { answer: "reached", detail: "HTTP 401" }],
  ["PODROLE-METADATA silent ECONNREFUSED", { answer: "silent", detail: "ECONNREFUSED" }],
  ["exec: node: not found", { answer: "unknown", detail: "its log has no result: exec: node: not found" }],
] as const) {
  test(`readAnswer() reads ${JSON.stringify(log)}`, () => assert.deepEqual(readAnswer(log), expected));
}

/** `put` is "lost" if the hop limit drops the response. */
async function tryService(context: TestContext, { put, get }: { put: number | "lost"; get: number }) {
  const service = createServer((request, response) => {
    const status = request.method === "PUT" ? put : get;
    if (status === "lost") request.socket.destroy();
    else response.writeHead(status).end();
  });
  const script = probeScript(`http://127.0.0.1:${await listenOnLoopback(context, service)}`);
  const { stdout } = await promisify(execFile)(process.execPath, ["-e", script]);
  return readAnswer(stdout).answer;
}

for (const [name, service, expected] of [
  ["gives tokens", { put: 200, get: 401 }, "reached"],
  ["loses tokens to the hop limit and refuses reads without one", { put: "lost", get: 401 }, "silent"],
  ["loses tokens to the hop limit and requires none (IMDSv1)", { put: "lost", get: 200 }, "reached"],
] as const) {
  test(`probeScript() reports ${expected} for a service that ${name}`, async (context) => {
    assert.equal(await tryService(context, service), expected);
  });
}
