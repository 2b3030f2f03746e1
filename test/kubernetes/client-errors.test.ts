// What callers are told when the Kubernetes API does not answer as asked.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { createKubernetes } from "../../src/kubernetes/client.ts";
import { ApiError } from "../../src/kubernetes/errors.ts";
import { PodroleError } from "../../src/protocol/errors.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { startCluster } from "./harness.ts";

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => assert.fail("it worked"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.code, "KUBERNETES_UNAVAILABLE");
  return error;
}

test("a missing permission is named by verb, resource and namespace", async (t) => {
  const { emulator, connect } = await startCluster(t);
  emulator.restrict("weak", [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }], "shop");
  const kubernetes = await connect("weak");
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.equal(error.status, 403);
  assert.match(
    error.message,
    /^Cannot get pods "default\/web": the Kubernetes API answered 403 Forbidden, the caller must be allowed to get pods in namespace "default" \(/,
  );
  const atLarge = await errorOf(kubernetes.getNamespace("shop"));
  assert.match(atLarge.message, /must be allowed to get namespaces in the cluster/);
  const event = { namespace: "shop", pod: { name: "web", uid: "1" }, type: "Warning", reason: "STS_DENIED" } as const;
  const noEvents = await errorOf(kubernetes.recordEvent({ ...event, message: "no" }));
  assert.match(noEvents.message, /must be allowed to create events in namespace "shop"/);
  // What was granted works.
  await assert.rejects(kubernetes.getPod("default", "web"));
  assert.equal(await kubernetes.getPod("shop", "web"), undefined);
});

test("unknown credentials are a 401 that says whose they are", async (t) => {
  const { connect } = await startCluster(t);
  const first = await connect();
  const other = createKubernetesEmulator({ clock: systemClock });
  t.after(() => other.close());
  // A token of another cluster, at this cluster's address.
  const url = await other.listen();
  assert.equal(await first.getPod("default", "web"), undefined);
  const directory = await mkdtemp(join(tmpdir(), "podrole-401-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "kubeconfig");
  await writeFile(path, other.kubeconfig().replace(/"token": "[^"]+"/, '"token": "of-somebody-else"'));
  const stranger = createKubernetes({ kubeconfigPath: path });
  t.after(() => stranger.close());
  const error = await errorOf(stranger.getPod("default", "web"));
  assert.equal(error.status, 401);
  assert.match(error.message, /401 Unauthorized, it must accept the caller's token$/);
  assert.ok(!error.message.includes("of-somebody-else"));
  assert.ok(url.startsWith("https://"));
});

test("a throttled request says how long to wait", async (t) => {
  const { emulator, connect } = await startCluster(t);
  emulator.faults.status = { code: 429, retryAfterSeconds: 7 };
  const error = await errorOf((await connect()).getPod("default", "web"));
  assert.deepEqual([error.status, error.retryAfterMs], [429, 7000]);
  assert.match(error.message, /^Cannot get pods "default\/web": the Kubernetes API answered 429 TooManyRequests/);
});

test("a request that gets no answer ends at its deadline", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect(undefined, { deadlineMs: 50 });
  emulator.faults.stall = true;
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(
    error.message,
    /^Cannot get pods "default\/web": https:\/\/127\.0\.0\.1:\d+ did not answer within 50 ms$/,
  );
});

test("a server that hangs up, or is not there, is told by its system code", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  emulator.faults.down = true;
  const closed = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(closed.message, /gave no usable answer \((UND_ERR_SOCKET|ECONNRESET)\)$/);
  await emulator.close();
  const gone = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(gone.message, /gave no usable answer \(ECONNREFUSED\)$/);
});

test("a server with another CA is not believed", async (t) => {
  const { emulator } = await startCluster(t);
  const other = createKubernetesEmulator({ clock: systemClock });
  const url = new URL(await other.listen());
  t.after(() => other.close());
  const directory = await mkdtemp(join(tmpdir(), "podrole-ca-"));
  t.after(() => rm(directory, { recursive: true }));
  const path = join(directory, "kubeconfig");
  await writeFile(path, emulator.kubeconfig().replace(/127\.0\.0\.1:\d+/, url.host));
  const kubernetes = createKubernetes({ kubeconfigPath: path });
  t.after(() => kubernetes.close());
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(error.message, /\((SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_\w+|CERT_SIGNATURE_FAILURE)\)$/);
});

/** A server of the test's own, to answer what no API server would. */
async function clientOf(t: TestContext, listener: RequestListener) {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const directory = await mkdtemp(join(tmpdir(), "podrole-answers-"));
  const path = join(directory, "kubeconfig");
  const cluster = {
    server: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    "insecure-skip-tls-verify": true,
  };
  const config = {
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: "t0ken" } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  await writeFile(path, JSON.stringify(config));
  const kubernetes = createKubernetes({ kubeconfigPath: path });
  t.after(async () => {
    await kubernetes.close();
    server.closeAllConnections();
    server.close();
    await rm(directory, { recursive: true });
  });
  return { server, kubernetes };
}

test("a load balancer's page is a status without a reason", async (t) => {
  const { kubernetes } = await clientOf(t, (_request, response) => {
    response.writeHead(502, { "content-type": "text/html" }).end("<html>bad gateway</html>");
  });
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.deepEqual([error.status, error.reason], [502, ""]);
  assert.equal(error.message, 'Cannot get pods "default/web": the Kubernetes API answered 502');
});

test("an error about a token or a Secret does not quote what was sent", async (t) => {
  const { kubernetes } = await clientOf(t, (request, response) => {
    request.resume();
    const message = 'decode error at "{"token":"eyJhbGciOi.secret"}"';
    response.writeHead(400).end(JSON.stringify({ kind: "Status", reason: "BadRequest", message, code: 400 }));
  });
  const token = new Secret("eyJhbGciOi.secret");
  const review = await errorOf(kubernetes.reviewToken(token, "podrole.io"));
  const secret = await errorOf(kubernetes.createSecret("default", "ca", { key: token }));
  for (const error of [review, secret]) {
    assert.ok(!error.message.includes("eyJ"), error.message);
    assert.match(error.message, /answered 400 BadRequest$/);
  }
});

test("calls share connections", async (t) => {
  const { server, kubernetes } = await clientOf(t, (_request, response) => {
    response.writeHead(200).end(JSON.stringify({ metadata: { name: "web" } }));
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  for (let call = 0; call < 20; call++) await kubernetes.getPod("default", "web");
  // undici may open a second one before it knows that the first is free.
  assert.ok(connections <= 2, `${connections} connections`);
});

test("createKubernetes() throws when there is no configuration to read", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "podrole-config-"));
  t.after(() => rm(directory, { recursive: true }));
  const empty = join(directory, "empty");
  await writeFile(empty, "{}");
  const cases = [
    { kubeconfigPath: join(directory, "missing"), message: /missing cannot be read$/ },
    { kubeconfigPath: empty, message: /names no API server, a kubeconfig or a pod is needed$/ },
    { kubeconfigPath: undefined, message: /^Cannot set up the Kubernetes client: the pod's ServiceAccount / },
  ];
  for (const { kubeconfigPath, message } of cases) {
    assert.throws(
      () => createKubernetes({ kubeconfigPath }),
      (error: unknown) =>
        error instanceof PodroleError && error.code === "KUBERNETES_UNAVAILABLE" && message.test(error.message),
    );
  }
});

test("createKubernetes() reads a list of kubeconfig files as KUBECONFIG has them", async (t) => {
  const { emulator } = await startCluster(t);
  const directory = await mkdtemp(join(tmpdir(), "podrole-config-"));
  t.after(() => rm(directory, { recursive: true }));
  const config = JSON.parse(emulator.kubeconfig()) as Record<string, unknown>;
  const [main, users] = [join(directory, "main"), join(directory, "users")];
  await writeFile(main, JSON.stringify({ ...config, users: [] }));
  await writeFile(users, JSON.stringify({ users: config["users"], clusters: [], contexts: [] }));
  const kubernetes = createKubernetes({ kubeconfigPath: `${main}:${users}` });
  t.after(() => kubernetes.close());
  assert.equal((await kubernetes.getNamespace("default"))?.metadata.name, "default");
});
