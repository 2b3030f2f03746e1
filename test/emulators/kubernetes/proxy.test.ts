// The emulated API server's proxy and its reviews of access, as a reader of podrole's state uses them.
import assert from "node:assert/strict";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type TestContext, test } from "node:test";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { startApi } from "./harness.ts";

const SERVICE = "/api/v1/namespaces/podrole/services/https:podrole-server:state/proxy/podrole/state";
const REVIEWS = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
const RULE = { apiGroups: [""], resources: ["services/proxy"], verbs: ["get"] };

async function setUp(context: TestContext) {
  const api = await startApi(context);
  const seen: { readonly url: string; readonly headers: object }[] = [];
  const listenerOf =
    (name: string): RequestListener =>
    ({ url = "", headers }, response) => {
      seen.push({ url, headers });
      response.writeHead(name === "b" ? 403 : 200, { "content-type": "application/json" });
      response.end(JSON.stringify({ name }));
    };
  const { certificatePem: cert, key } = createAuthority({ commonName: "x", now: Date.now(), lifetimeMs: HOUR_MS });
  const ports = [];
  for (const name of ["a", "b"]) {
    ports.push(await listenOnLoopback(context, createTlsServer({ cert, key: key.reveal() }, listenerOf(name))));
  }
  const plain = await listenOnLoopback(context, createHttpServer(listenerOf("plain")));
  const { pages } = api.emulator;
  pages.set("podrole/https:podrole-server:state", ports.map((port) => `127.0.0.1:${port}`).join(","));
  pages.set("podrole/podrole-server-1:8080", `127.0.0.1:${plain}`);
  return { ...api, seen };
}

test("createKubernetesEmulator(): the proxy calls the targets of a Service in turn, with query and headers, without the caller's token", async (t) => {
  const { call, seen } = await setUp(t);
  const names = [];
  for (let times = 0; times < 3; times++) names.push((await call("GET", `${SERVICE}?namespace=shop`)).body["name"]);
  assert.deepEqual(names, ["a", "b", "a"]);
  assert.equal(seen[0]?.url, "/podrole/state?namespace=shop");
  assert.equal("authorization" in (seen[0]?.headers ?? {}), false);
});

test("createKubernetesEmulator(): the proxy passes on the status of a target, and is 503 without one", async (t) => {
  const { call, emulator } = await setUp(t);
  assert.equal((await call("GET", SERVICE)).code, 200);
  assert.equal((await call("GET", SERVICE)).code, 403);
  assert.equal((await call("GET", "/api/v1/namespaces/podrole/pods/podrole-server-1:8080/proxy/metrics")).code, 200);
  emulator.pages.clear();
  const { code, body } = await call("GET", SERVICE);
  assert.deepEqual([code, body["reason"]], [503, "ServiceUnavailable"]);
});

test("createKubernetesEmulator(): the proxy needs get on services/proxy with the name that the path has", async (t) => {
  const { call, emulator } = await setUp(t);
  emulator.restrict("anna", [{ ...RULE, resourceNames: ["https:podrole-server:state"] }], "podrole");
  emulator.restrict("berta", [{ ...RULE, resourceNames: ["https:podrole-server:identity"] }], "podrole");
  assert.equal((await call("GET", SERVICE, undefined, { username: "anna" })).code, 200);
  const { code, body } = await call("GET", SERVICE, undefined, { username: "berta" });
  assert.equal(code, 403);
  assert.match(body.message ?? "", /cannot get resource "services\/proxy"/);
});

test("createKubernetesEmulator(): a TokenRequest needs create on serviceaccounts/token with the account's name", async (t) => {
  const { call, emulator } = await setUp(t);
  const path = (name: string) => `/api/v1/namespaces/default/serviceaccounts/${name}/token`;
  const rule = { apiGroups: [""], resources: ["serviceaccounts/token"], resourceNames: ["default"], verbs: ["create"] };
  emulator.restrict("anna", [rule], "default");
  const spec = { audiences: ["podrole.io"], expirationSeconds: 600 };
  assert.equal((await call("POST", path("default"), { spec }, { username: "anna" })).code, 201);
  assert.equal((await call("POST", path("other"), { spec }, { username: "anna" })).code, 403);
});

const CLUSTER = { nonResourceURLs: ["/podrole/state"], verbs: ["get"] };
const NAMESPACE = { apiGroups: ["podrole.io"], resources: ["state"], verbs: ["get"] };
const pathOf = (path: string, verb = "get") => ({ nonResourceAttributes: { path, verb } });
const stateOf = (namespace: string, verb = "get") => ({
  resourceAttributes: { group: "podrole.io", resource: "state", verb, namespace },
});

for (const [what, rule, boundIn, attributes, allowed] of [
  ["allows a path that a ClusterRole grants", CLUSTER, undefined, pathOf("/podrole/state"), true],
  ["denies another path", CLUSTER, undefined, pathOf("/podrole"), false],
  ["denies another verb", CLUSTER, undefined, pathOf("/podrole/state", "post"), false],
  ["denies a path that a RoleBinding grants", CLUSTER, "shop", pathOf("/podrole/state"), false],
  [
    "allows a path by its beginning",
    { ...CLUSTER, nonResourceURLs: ["/podrole/*"] },
    undefined,
    pathOf("/podrole/x"),
    true,
  ],
  ["allows a resource in the namespace of the RoleBinding", NAMESPACE, "shop", stateOf("shop"), true],
  ["denies it in another namespace", NAMESPACE, "shop", stateOf("bank"), false],
  ["allows it everywhere by a ClusterRoleBinding", NAMESPACE, undefined, stateOf("bank"), true],
  ["denies another verb of it", NAMESPACE, "shop", stateOf("shop", "list"), false],
] as const) {
  test(`createKubernetesEmulator(): a SubjectAccessReview ${what}`, async (t) => {
    const { call, emulator } = await startApi(t);
    emulator.restrict("system:serviceaccount:shop:reader", [rule], boundIn);
    const answer = async (user: string) => {
      const { body } = await call("POST", REVIEWS, { spec: { user, ...attributes } });
      return (body["status"] as { allowed: boolean }).allowed;
    };
    assert.equal(await answer("system:serviceaccount:shop:reader"), allowed);
    assert.equal(await answer("system:serviceaccount:shop:other"), false, "a user without rules");
  });
}

test("createKubernetesEmulator(): a SubjectAccessReview has either kind of attributes, not both", async (t) => {
  const { call } = await startApi(t);
  for (const spec of [{ user: "anna" }, { user: "anna", ...pathOf("/x"), ...stateOf("shop") }]) {
    assert.equal((await call("POST", REVIEWS, { spec })).code, 400);
  }
});
