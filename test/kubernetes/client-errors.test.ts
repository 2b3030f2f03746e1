// Errors that callers receive when the Kubernetes API does not respond as expected.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { kubeconfig } from "../../emulators/kubernetes/kubeconfig.ts";
import { createKubernetes } from "../../src/kubernetes/client.ts";
import {
  ApiError,
  missingRight,
  requestRejected,
  serverUnreachable,
  UnusableKubeconfig,
} from "../../src/kubernetes/errors.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { listenOnLoopback } from "../loopback.ts";
import { createTemporaryDirectory, writeTemporaryFile } from "../temporary-files.ts";
import { createAndRead, podWithMetadata, startCluster } from "./harness.ts";

async function errorOf(promise: Promise<unknown>): Promise<ApiError> {
  const error = await promise.then(
    () => assert.fail("it worked"),
    (error: unknown) => error,
  );
  assert.ok(error instanceof ApiError, String(error));
  assert.equal(error.code, "KUBERNETES_UNAVAILABLE");
  return error;
}

test("createKubernetes(): errors name a missing permission by verb, resource and namespace", async (t) => {
  const { emulator, connect } = await startCluster(t);
  emulator.restrict("weak", [{ apiGroups: [""], resources: ["pods"], verbs: ["get"] }], "shop");
  const kubernetes = await connect("weak");
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.equal(error.status, 403);
  assert.match(
    error.message,
    /^Cannot get pods "default\/web": the Kubernetes API returned 403 Forbidden; expected permission to get pods in namespace "default" \(/,
  );
  const atLarge = await errorOf(kubernetes.getNamespace("shop"));
  assert.match(atLarge.message, /expected permission to get namespaces in the cluster/);
  const event = { namespace: "shop", pod: { name: "web", uid: "1" }, type: "Warning", reason: "STS_DENIED" } as const;
  const noEvents = await errorOf(kubernetes.recordEvent({ ...event, message: "no" }));
  assert.match(noEvents.message, /expected permission to create events in namespace "shop"/);
  // The granted permission works.
  await assert.rejects(kubernetes.getPod("default", "web"));
  assert.equal(await kubernetes.getPod("shop", "web"), undefined);
});

test("createKubernetes(): errors name the credentials that the API server did not accept", async (t) => {
  const { connect } = await startCluster(t);
  const first = await connect();
  const other = createKubernetesEmulator({ clock: systemClock });
  t.after(() => other.close());
  // A token of another cluster, at this cluster's address.
  const url = await other.listen();
  assert.equal(await first.getPod("default", "web"), undefined);
  const content = other.kubeconfig().replace(/"token": "[^"]+"/, '"token": "of-somebody-else"');
  const path = writeTemporaryFile(t, "kubeconfig", content);
  const stranger = createKubernetes({ kubeconfigPath: path });
  t.after(() => stranger.close());
  const error = await errorOf(stranger.getPod("default", "web"));
  assert.equal(error.status, 401);
  assert.match(error.message, /401 Unauthorized; expected it to accept the caller's token$/);
  assert.ok(!error.message.includes("of-somebody-else"));
  assert.ok(url.startsWith("https://"));
});

test("createKubernetes(): errors of throttled requests carry the time to wait, 30 s at most", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  emulator.faults.status = { code: 429, retryAfterSeconds: 600 };
  assert.equal((await errorOf(kubernetes.getPod("default", "web"))).retryAfterMs, 30_000);
  emulator.faults.status = { code: 429, retryAfterSeconds: 7 };
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.deepEqual([error.status, error.retryAfterMs], [429, 7000]);
  assert.match(error.message, /^Cannot get pods "default\/web": the Kubernetes API returned 429 TooManyRequests/);
});

test("createKubernetes(): a response that is too long is not read to its end", async (t) => {
  const { emulator, connect } = await startCluster(t);
  await createAndRead(
    emulator,
    "/api/v1/namespaces/default/pods",
    podWithMetadata({ name: "web", annotations: { a: "x".repeat(5_000) } }),
  );
  const read = async (maxResponseBytes: number) =>
    (await connect("admin", { maxResponseBytes })).getPod("default", "web");
  assert.equal((await read(10_000))?.metadata.name, "web");
  const error = await errorOf(read(5_000));
  assert.match(error.message, /sent no usable response \(ResponseTooLarge\)$/);
});

test("getPod() does not read a pod of more than 2 MiB to its end", async (t) => {
  const { kubernetes } = await clientOf(t, (_request, response) => {
    response.end(JSON.stringify({ metadata: { annotations: { a: "x".repeat(2 * 1024 * 1024) } } }));
  });
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(error.message, /sent no usable response \(ResponseTooLarge\)$/);
});

test("createKubernetes(): a request without a response ends at its deadline", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect(undefined, { deadlineMs: 50 });
  emulator.faults.stall = true;
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(
    error.message,
    /^Cannot get pods "default\/web": https:\/\/127\.0\.0\.1:\d+ did not respond within 50 ms$/,
  );
});

test("createKubernetes(): errors say in kubectl's words how a connection failed", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  emulator.faults.down = true;
  const closed = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(closed.message, /: cannot connect to https:\S+: connection (closed|reset) by peer$/);
  await emulator.close();
  const gone = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(gone.message, /: cannot connect to https:\S+: connection refused$/);
});

for (const [what, cause, said] of [
  ["an unknown host", { cause: { code: "ENOTFOUND" } }, "cannot connect to https://api: no such host"],
  ["a certificate of an unknown authority", { code: "SELF_SIGNED_CERT_IN_CHAIN" }, /signed by an unknown authority$/],
  ["an expired certificate", { code: "CERT_HAS_EXPIRED" }, /: its certificate has expired$/],
  ["another code", { code: "EPROTO" }, "https://api sent no usable response (EPROTO)"],
  ["a body that is not JSON", new SyntaxError("Unexpected token"), "https://api sent a response that is not JSON"],
  ["an error of the language alone", new TypeError("fetch failed"), "https://api sent no usable response"],
  ["what is no error", "x", "https://api sent no usable response"],
] as const) {
  test(`serverUnreachable() explains ${what}`, () => {
    const thrown = typeof cause === "object" && !(cause instanceof Error) ? errorWith(cause) : cause;
    const { message } = serverUnreachable({ verb: "list", resource: "pods" }, "https://api", thrown);
    if (typeof said === "string") assert.equal(message, `Cannot list pods: ${said}`);
    else assert.match(message, said);
    assert.doesNotMatch(message, /TypeError|fetch failed/);
  });
}

/** An Error with these fields, also in its causes. */
function errorWith({ cause, ...fields }: { readonly code?: string; readonly cause?: object }): Error {
  const inner = cause === undefined ? {} : { cause: errorWith(cause) };
  return Object.assign(new TypeError("fetch failed"), inner, fields);
}

test("missingRight() names verb, resource and namespace of a 403, and nothing for other errors", () => {
  const request = { verb: "list", resource: "pods", namespace: "shop" } as const;
  assert.equal(missingRight(requestRejected(request, 403, {})), "list on pods in namespace shop");
  assert.equal(missingRight(requestRejected({ verb: "list", resource: "nodes" }, 403, {})), "list on nodes");
  assert.equal(
    missingRight(requestRejected({ verb: "get", resource: "namespaces", name: "shop" }, 403, {})),
    "get on namespaces shop",
  );
  for (const other of [requestRejected(request, 401, {}), new Error("403"), new ApiError(403, "", ""), undefined]) {
    assert.equal(missingRight(other), undefined);
  }
});

test("createKubernetes(): a server with a certificate of another CA is refused", async (t) => {
  const { emulator } = await startCluster(t);
  const other = createKubernetesEmulator({ clock: systemClock });
  const url = new URL(await other.listen());
  t.after(() => other.close());
  const path = writeTemporaryFile(t, "kubeconfig", emulator.kubeconfig().replace(/127\.0\.0\.1:\d+/, url.host));
  const kubernetes = createKubernetes({ kubeconfigPath: path });
  t.after(() => kubernetes.close());
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.match(error.message, /: cannot connect to https:\S+: its certificate is signed by an unknown authority$/);
});

/** A server that sends responses that no API server would send. */
async function clientOf(t: TestContext, listener: RequestListener) {
  const server = createServer(listener);
  const url = `http://127.0.0.1:${await listenOnLoopback(t, server)}`;
  const content = kubeconfig({ url, caPem: undefined, username: "u", token: "t0ken" });
  const kubernetes = createKubernetes({ kubeconfigPath: writeTemporaryFile(t, "kubeconfig", content) });
  t.after(() => kubernetes.close());
  return { server, kubernetes };
}

test("createKubernetes(): a load balancer's page becomes an error with its status and no reason", async (t) => {
  const { kubernetes } = await clientOf(t, (_request, response) => {
    response.writeHead(502, { "content-type": "text/html" }).end("<html>bad gateway</html>");
  });
  const error = await errorOf(kubernetes.getPod("default", "web"));
  assert.deepEqual([error.status, error.reason], [502, ""]);
  assert.equal(error.message, 'Cannot get pods "default/web": the Kubernetes API returned 502');
});

test("createKubernetes(): errors about tokens and Secrets do not quote the request", async (t) => {
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
    assert.match(error.message, /returned 400 BadRequest$/);
  }
});

test("getTokenKeys() accepts the media type of keys, and rejects any answer but 200", async (t) => {
  let status = 200;
  const { kubernetes } = await clientOf(t, ({ headers, url }, response) => {
    // go-restful refuses requests that do not accept application/jwk-set+json.
    const isAccepted = headers.accept?.includes("*/*") === true && url === "/openid/v1/jwks";
    response.writeHead(isAccepted ? status : 406).end(JSON.stringify({ keys: [{ kid: "a" }, "no key"] }));
  });
  assert.deepEqual(await kubernetes.getTokenKeys(), [{ kid: "a" }]);
  status = 403;
  const error = await errorOf(kubernetes.getTokenKeys());
  assert.match(
    error.message,
    /^Cannot get openid\/v1\/jwks: the Kubernetes API returned 403; expected permission to get/,
  );
});

test("createKubernetes(): calls share connections", async (t) => {
  const { server, kubernetes } = await clientOf(t, (_request, response) => {
    response.writeHead(200).end(JSON.stringify({ metadata: { name: "web" } }));
  });
  let connections = 0;
  server.on("connection", () => {
    connections += 1;
  });
  for (let call = 0; call < 20; call++) await kubernetes.getPod("default", "web");
  // undici may open a second connection before it knows that the first is free.
  assert.ok(connections <= 2, `${connections} connections`);
});

test("createKubernetes() throws if it cannot read a configuration", async (t) => {
  const directory = createTemporaryDirectory(t);
  const empty = join(directory, "empty");
  await writeFile(empty, "{}");
  const cases = [
    { kubeconfigPath: join(directory, "missing"), message: /missing cannot be read$/ },
    { kubeconfigPath: empty, message: /names no API server; expected a kubeconfig or a pod's ServiceAccount$/ },
    { kubeconfigPath: undefined, message: /^Cannot set up the Kubernetes client: the pod's ServiceAccount / },
  ];
  for (const { kubeconfigPath, message } of cases) {
    assert.throws(
      () => createKubernetes({ kubeconfigPath }),
      (error: unknown) => error instanceof UnusableKubeconfig && message.test(error.message),
    );
  }
});

test("createKubernetes() reads a list of kubeconfig files in KUBECONFIG's form", async (t) => {
  const { emulator } = await startCluster(t);
  const directory = createTemporaryDirectory(t);
  const config = JSON.parse(emulator.kubeconfig()) as Record<string, unknown>;
  const [main, users] = [join(directory, "main"), join(directory, "users")];
  await writeFile(main, JSON.stringify({ ...config, users: [] }));
  await writeFile(users, JSON.stringify({ users: config["users"], clusters: [], contexts: [] }));
  const kubernetes = createKubernetes({ kubeconfigPath: `${main}:${users}` });
  t.after(() => kubernetes.close());
  assert.equal((await kubernetes.getNamespace("default"))?.metadata.name, "default");
});
