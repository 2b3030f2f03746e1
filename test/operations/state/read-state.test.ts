// Reading the state as an operator does: through the API server emulator, from two servers that answer as podrole's.
import assert from "node:assert/strict";
import { createServer } from "node:https";
import { type TestContext, test } from "node:test";
import { createKubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { createOperatorKubernetes } from "../../../src/kubernetes/client.ts";
import { readServerState } from "../../../src/operations/state/read-state.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import type { StatePage } from "../../../src/protocol/state/model.ts";
import { HOUR_MS, systemClock } from "../../../src/runtime/clock.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { examplePage, examplePod } from "../../protocol/state/pages.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";

const SERVICE = "podrole/https:podrole-server:state";
const REPLICAS = ["podrole-server-a", "podrole-server-b"] as const;

type Reply = (url: URL) => readonly [number, object];

/** Two pages of a replica that knows one pod on each. */
function pagesOf(name: string): Reply {
  return ({ searchParams }) => {
    const page = (pod: string, changes: Partial<StatePage>) =>
      examplePage(name, { pods: [examplePod({ name: pod, uid: pod })], podCount: 2, ...changes });
    return [200, searchParams.has("continue") ? page(`${name}-2`, {}) : page(`${name}-1`, { next: "shop/x" })];
  };
}

async function setUp(
  context: TestContext,
  { replies = REPLICAS.map(pagesOf) }: { readonly replies?: readonly Reply[] } = {},
) {
  const emulator = createKubernetesEmulator({ clock: systemClock });
  await emulator.listen();
  context.after(() => emulator.close());
  for (const name of ["podrole", "shop"]) emulator.store.create("namespaces", { metadata: { name } });
  const createReader = (namespace: string) =>
    emulator.create(`/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name: "podrole-reader" } });
  const { certificatePem: cert, key } = createAuthority({ commonName: "x", now: Date.now(), lifetimeMs: HOUR_MS });
  const seen: { readonly token: string; readonly authorization: string | undefined; readonly url: string }[] = [];
  const targets: string[] = [];
  for (const [index, name] of REPLICAS.entries()) {
    const server = createServer({ cert, key: key.reveal() }, ({ url = "", headers }, response) => {
      const { authorization } = headers;
      seen.push({ token: String(headers["x-podrole-token"]), authorization, url });
      const [status, body] = (replies[index] ?? pagesOf(name))(new URL(url, "https://x"));
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    });
    const target = `127.0.0.1:${await listenOnLoopback(context, server)}`;
    targets.push(target);
    emulator.pages.set(`podrole/https:${name}:8445`, target);
    emulator.store.create("pods", {
      metadata: { name, namespace: "podrole", labels: { "app.kubernetes.io/name": "podrole-server" } },
      spec: { containers: [{ name: "server", ports: [{ name: "state", containerPort: 8445 }] }] },
      status: { phase: "Running" },
    });
  }
  emulator.pages.set(SERVICE, targets.join(","));
  async function connect(username?: string) {
    const path = writeTemporaryFile(context, `kubeconfig-${username}`, emulator.kubeconfig(username));
    const kubernetes = createOperatorKubernetes({ kubeconfigPath: path });
    context.after(() => kubernetes.close());
    return kubernetes;
  }
  return { emulator, seen, createReader, connect };
}

const OPTIONS = { podroleNamespace: "podrole" };
const TOKEN_RULE = {
  apiGroups: [""],
  resources: ["serviceaccounts/token"],
  resourceNames: ["podrole-reader"],
  verbs: ["create"],
};
const PORT_RULE = {
  apiGroups: [""],
  resources: ["services/proxy"],
  resourceNames: ["https:podrole-server:state"],
  verbs: ["get"],
};

test("readServerState() reads all pages of every replica, with a token of podrole-reader and never the caller's", async (context) => {
  const { seen, createReader, connect } = await setUp(context);
  await createReader("podrole");
  const read = await readServerState({ kubernetes: await connect() }, OPTIONS);
  assert.ok(read.ok);
  const { state, silent, isComplete } = read.value;
  assert.deepEqual(
    state.pods.map(({ name }) => name),
    REPLICAS.flatMap((name) => [`${name}-1`, `${name}-2`]),
  );
  assert.deepEqual([state.replicas.length, silent, isComplete], [2, [], true]);
  for (const { token, authorization } of seen) {
    const claims = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as Record<
      string,
      unknown
    >;
    assert.deepEqual([claims["sub"], claims["aud"]], ["system:serviceaccount:podrole:podrole-reader", ["podrole.io"]]);
    assert.equal(authorization, undefined);
  }
});

test("readServerState() reads through the Service if the caller may neither list nor reach the replicas", async (context) => {
  const { emulator, createReader, connect } = await setUp(context);
  await createReader("podrole");
  emulator.restrict("anna", [TOKEN_RULE, PORT_RULE], "podrole");
  const read = await readServerState({ kubernetes: await connect("anna") }, OPTIONS);
  assert.ok(read.ok);
  assert.deepEqual([read.value.state.replicas.length, read.value.isComplete], [2, false]);
});

test("readServerState() names the replica that did not answer, and shows what the other knows", async (context) => {
  const { emulator, createReader, connect } = await setUp(context);
  await createReader("podrole");
  emulator.pages.delete("podrole/https:podrole-server-b:8445");
  const read = await readServerState({ kubernetes: await connect() }, OPTIONS);
  assert.ok(read.ok);
  assert.equal(read.value.isComplete, false);
  assert.deepEqual(
    read.value.silent.map(({ replica }) => replica),
    ["podrole-server-b"],
  );
  assert.match(read.value.silent[0]?.problem ?? "", /does not reach the server's state port/);
});

test("readServerState() of one namespace takes the cluster's reader first, and that namespace's without one", async (context) => {
  const { seen, createReader, connect } = await setUp(context);
  await createReader("shop");
  const kubernetes = await connect();
  const subjects = () => new Set(seen.map(({ token }) => readSubject(token)));
  await readServerState({ kubernetes }, { ...OPTIONS, namespace: "shop" });
  assert.deepEqual([...subjects()], ["system:serviceaccount:shop:podrole-reader"]);
  assert.ok(seen.every(({ url }) => url.includes("namespace=shop")));
  seen.length = 0;
  await createReader("podrole");
  await readServerState({ kubernetes }, { ...OPTIONS, namespace: "shop" });
  assert.deepEqual([...subjects()], ["system:serviceaccount:podrole:podrole-reader"]);
});

const readSubject = (token: string) =>
  (JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString()) as { sub: string }).sub;

test("readServerState() names the right that the caller lacks for the token", async (context) => {
  const { emulator, seen, createReader, connect } = await setUp(context);
  await createReader("podrole");
  emulator.restrict("anna", [PORT_RULE], "podrole");
  const read = await readServerState({ kubernetes: await connect("anna") }, OPTIONS);
  const text = "needs create on serviceaccounts/token podrole-reader in podrole";
  assert.deepEqual(read, { ok: false, problem: { kind: "right", text } });
  assert.deepEqual(seen, []);
});

test("readServerState() names the right that the caller lacks for the state port", async (context) => {
  const { emulator, createReader, connect } = await setUp(context);
  await createReader("podrole");
  emulator.restrict("anna", [TOKEN_RULE], "podrole");
  const read = await readServerState({ kubernetes: await connect("anna") }, OPTIONS);
  const text = "needs get on services/proxy https:podrole-server:state in podrole";
  assert.deepEqual(read, { ok: false, problem: { kind: "right", text } });
});

test("readServerState() says that an installation has no reader", async (context) => {
  const { connect } = await setUp(context);
  const read = await readServerState({ kubernetes: await connect() }, OPTIONS);
  const text =
    "there is no ServiceAccount podrole-reader in podrole (kubectl apply -f manifests/base/readers.yaml, or helm upgrade with the chart of podrole, creates it)";
  assert.deepEqual(read, { ok: false, problem: { kind: "absent", text } });
});

const refused =
  (code: string, status: number): Reply =>
  () => [status, { code, message: `Cannot: ${code}` }];

for (const [what, reply, kind, text] of [
  ["refuses the reader", refused("READER_FORBIDDEN", 403), "right", /Cannot: READER_FORBIDDEN/],
  ["has no such path", refused("PATH_UNKNOWN", 404), "absent", /no state port/],
  ["is overloaded", refused("SERVER_OVERLOADED", 503), "answer", /answered 503: Cannot: SERVER_OVERLOADED/],
  ["has a newer version", () => [200, { ...examplePage("a"), version: 2 }], "answer", /has version 2; expected 1/],
  ["returns something else", () => [200, []], "answer", /is not a JSON object/],
  ["returns pages without end", () => [200, examplePage("a", { next: "shop/a" })], "answer", /more than 64 pages/],
] as const satisfies readonly (readonly [string, Reply, string, RegExp])[]) {
  test(`readServerState() says what is wrong if the server ${what}`, async (context) => {
    const { createReader, connect } = await setUp(context, { replies: [reply, reply] });
    await createReader("podrole");
    const read = await readServerState({ kubernetes: await connect() }, OPTIONS);
    assert.ok(!read.ok);
    assert.equal(read.problem.kind, kind);
    assert.match(read.problem.text, text);
  });
}

test("readServerState() throws if the API server is away", async (context) => {
  const { emulator, connect } = await setUp(context);
  const kubernetes = await connect();
  await emulator.close();
  await assert.rejects(readServerState({ kubernetes }, OPTIONS), { code: "KUBERNETES_UNAVAILABLE", status: 0 });
});
