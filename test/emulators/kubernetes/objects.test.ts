// Creating, reading, changing and deleting, with the API server's statuses and messages.
import assert from "node:assert/strict";
import { test } from "node:test";
import { CONFIG_MAPS_PATH, PODS_PATH, podNamed, startApi } from "./harness.ts";

test("create() returns 201 with uid, resourceVersion and creationTimestamp; a second one is AlreadyExists", async (t) => {
  const { call } = await startApi(t);
  const { code, body } = await call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" }, data: { key: "value" } });
  assert.equal(code, 201);
  assert.deepEqual([body.apiVersion, body.kind, body.metadata.namespace], ["v1", "ConfigMap", "default"]);
  assert.match(body.metadata.uid ?? "", /^[0-9a-f-]{36}$/);
  assert.match(body.metadata["creationTimestamp"] as string, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
  const again = await call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" } });
  assert.deepEqual(
    [again.code, again.body.reason, again.body.message],
    [409, "AlreadyExists", 'configmaps "a" already exists'],
  );
});

test("create() generates a name from generateName, different each time", async (t) => {
  const { call } = await startApi(t);
  const names = await Promise.all(
    [1, 2, 3].map(
      async () => (await call("POST", CONFIG_MAPS_PATH, { metadata: { generateName: "web-" } })).body.metadata.name,
    ),
  );
  assert.equal(new Set(names).size, 3);
  for (const name of names) assert.match(name ?? "", /^web-[a-z0-9]{5}$/);
});

const REFUSED_CREATIONS = [
  {
    path: "/api/v1/namespaces/nowhere/pods",
    body: podNamed("a"),
    code: 404,
    message: 'namespaces "nowhere" not found',
  },
  {
    path: CONFIG_MAPS_PATH,
    body: { metadata: { name: "a", namespace: "other" } },
    code: 400,
    message: "the namespace of the provided object does not match the namespace sent on the request",
  },
  {
    path: CONFIG_MAPS_PATH,
    body: { apiVersion: "v2", metadata: { name: "a" } },
    code: 400,
    message: /does not match the expected API version \(v1\)$/,
  },
  { path: CONFIG_MAPS_PATH, body: "not json", code: 400, message: /must be of type JSON/ },
  { path: CONFIG_MAPS_PATH, body: { metadata: {} }, code: 422, message: /name or generateName is required$/ },
  {
    path: CONFIG_MAPS_PATH,
    body: { metadata: { name: "a", resourceVersion: "1" } },
    code: 500,
    message: "resourceVersion should not be set on objects to be created",
  },
  {
    path: PODS_PATH,
    body: { metadata: { name: "a" }, spec: { containers: "app" } },
    code: 400,
    message: /cannot be handled as a Pod/,
  },
  { path: PODS_PATH, body: { metadata: { name: "a" } }, code: 422, message: /spec\.containers: Required value/ },
  {
    path: PODS_PATH,
    body: podNamed("a", { serviceAccountName: "ghost" }),
    code: 403,
    message: 'pods "a" is forbidden: error looking up service account default/ghost: serviceaccount "ghost" not found',
  },
  {
    path: "/api/v1/namespaces/default/gadgets",
    body: {},
    code: 404,
    message: "the server could not find the requested resource",
  },
  {
    path: "/api/v1/pods",
    body: podNamed("a"),
    code: 405,
    message: "the server does not allow this method on the requested resource",
  },
] as const;

for (const { path, body, code, message } of REFUSED_CREATIONS) {
  test(`create() at ${path} returns ${code}: ${String(message)}`, async (t) => {
    const { call } = await startApi(t);
    const answer = await call("POST", path, body);
    assert.equal(answer.code, code, String(answer.body.message));
    if (typeof message === "string") assert.equal(answer.body.message, message);
    else assert.match(answer.body.message ?? "", message);
  });
}

test("create() with dryRun=All returns the object and stores nothing", async (t) => {
  const { call } = await startApi(t);
  const { code, body } = await call("POST", `${PODS_PATH}?dryRun=All`, podNamed("a"));
  assert.deepEqual(
    [code, body.metadata.name, body["status"]],
    [201, "a", { phase: "Pending", qosClass: "BestEffort" }],
  );
  assert.equal((await call("GET", `${PODS_PATH}/a`)).code, 404);
});

test("createKubernetesEmulator(): a new namespace has its default ServiceAccount and the cluster's CA; a deleted one deletes all its objects", async (t) => {
  const { call } = await startApi(t);
  await call("POST", "/api/v1/namespaces", { metadata: { name: "shop" } });
  assert.equal((await call("GET", "/api/v1/namespaces/shop/serviceaccounts/default")).code, 200);
  assert.equal((await call("GET", "/api/v1/namespaces/shop/configmaps/kube-root-ca.crt")).code, 200);
  const { body } = await call("GET", "/api/v1/namespaces/shop");
  assert.deepEqual(body.metadata.labels, { "kubernetes.io/metadata.name": "shop" });
  await call("DELETE", "/api/v1/namespaces/shop");
  assert.equal((await call("GET", "/api/v1/namespaces/shop/serviceaccounts/default")).code, 404);
});

test("update() requires the present resourceVersion, or none", async (t) => {
  const { call } = await startApi(t);
  const { body: first } = await call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" }, data: { n: "1" } });
  const second = await call("PUT", `${CONFIG_MAPS_PATH}/a`, { ...first, data: { n: "2" } });
  assert.equal(second.code, 200);
  const late = await call("PUT", `${CONFIG_MAPS_PATH}/a`, { ...first, data: { n: "3" } });
  assert.deepEqual([late.code, late.body.reason], [409, "Conflict"]);
  assert.match(
    late.body.message ?? "",
    /^Operation cannot be fulfilled on configmaps "a": the object has been modified/,
  );
  const unlocked = await call("PUT", `${CONFIG_MAPS_PATH}/a`, { metadata: { name: "a" }, data: { n: "4" } });
  assert.equal(unlocked.code, 200);
  assert.equal((await call("PUT", `${CONFIG_MAPS_PATH}/b`, { metadata: { name: "b" } })).code, 404);
});

test("createKubernetesEmulator(): an update that changes nothing keeps the resourceVersion", async (t) => {
  const { call } = await startApi(t);
  const { body } = await call("POST", CONFIG_MAPS_PATH, { metadata: { name: "a" }, data: { n: "1" } });
  const { body: same } = await call("PUT", `${CONFIG_MAPS_PATH}/a`, body);
  assert.equal(same.metadata.resourceVersion, body.metadata.resourceVersion);
});

const JSON_PATCH = "application/json-patch+json";
const MERGE_PATCH = "application/merge-patch+json";

const PATCHES = [
  { contentType: JSON_PATCH, patch: [{ op: "add", path: "/data/b", value: "2" }], code: 200, data: { a: "1", b: "2" } },
  {
    contentType: JSON_PATCH,
    patch: [
      { op: "test", path: "/data/a", value: "1" },
      { op: "remove", path: "/data/a" },
    ],
    code: 200,
    data: {},
  },
  {
    contentType: JSON_PATCH,
    patch: [
      { op: "test", path: "/data/a", value: "9" },
      { op: "remove", path: "/data/a" },
    ],
    code: 422,
    data: { a: "1" },
  },
  { contentType: JSON_PATCH, patch: [{ op: "replace", path: "/data/b", value: "2" }], code: 422, data: { a: "1" } },
  {
    contentType: JSON_PATCH,
    patch: [{ op: "replace", path: "/metadata/resourceVersion", value: "1" }],
    code: 409,
    data: { a: "1" },
  },
  { contentType: MERGE_PATCH, patch: { data: { a: null, b: "2" } }, code: 200, data: { b: "2" } },
  {
    contentType: MERGE_PATCH,
    patch: { metadata: { resourceVersion: "1" }, data: { b: "2" } },
    code: 409,
    data: { a: "1" },
  },
  {
    contentType: "application/strategic-merge-patch+json",
    patch: { data: { b: "2" } },
    code: 200,
    data: { a: "1", b: "2" },
  },
  { contentType: "application/json", patch: {}, code: 415, data: { a: "1" } },
] as const;

for (const { contentType, patch, code, data } of PATCHES) {
  test(`patch() ${contentType} ${JSON.stringify(patch)} returns ${code}`, async (t) => {
    const { call } = await startApi(t);
    await call("POST", CONFIG_MAPS_PATH, { metadata: { name: "c" }, data: { a: "1" } });
    const answer = await call("PATCH", `${CONFIG_MAPS_PATH}/c`, patch, { contentType });
    assert.equal(answer.code, code, String(answer.body.message));
    assert.deepEqual((await call("GET", `${CONFIG_MAPS_PATH}/c`)).body["data"], data);
  });
}

test("createKubernetesEmulator(): status changes only through its subresource, and spec does not change there", async (t) => {
  const { call } = await startApi(t);
  await call("POST", PODS_PATH, podNamed("a"));
  const path = `${PODS_PATH}/a`;
  await call("PATCH", path, { status: { phase: "Running" } }, { contentType: MERGE_PATCH });
  const running = { status: { phase: "Running" }, spec: { restartPolicy: "Never" } };
  assert.deepEqual((await call("GET", path)).body["status"], { phase: "Pending", qosClass: "BestEffort" });
  const { body } = await call("PATCH", `${path}/status`, running, { contentType: MERGE_PATCH });
  assert.deepEqual(body["status"], { phase: "Running", qosClass: "BestEffort" });
  assert.equal((body["spec"] as { restartPolicy: string }).restartPolicy, "Always");
});

test("createKubernetesEmulator(): a pod's spec is immutable except for its images", async (t) => {
  const { call } = await startApi(t);
  await call("POST", PODS_PATH, podNamed("a"));
  const image = [{ op: "replace", path: "/spec/containers/0/image", value: "shop/app:2" }];
  assert.equal((await call("PATCH", `${PODS_PATH}/a`, image, { contentType: JSON_PATCH })).code, 200);
  const env = [{ op: "add", path: "/spec/containers/0/env", value: [{ name: "A", value: "b" }] }];
  const refused = await call("PATCH", `${PODS_PATH}/a`, env, { contentType: JSON_PATCH });
  assert.equal(refused.code, 422);
  assert.match(
    refused.body.message ?? "",
    /^Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than/,
  );
});

test("createKubernetesEmulator(): a pod on a node is marked first, and deleted when its kubelet confirms", async (t) => {
  const { call } = await startApi(t);
  await call("POST", PODS_PATH, podNamed("a"));
  assert.equal(
    (
      await call("POST", `${PODS_PATH}/a/binding`, {
        metadata: { name: "a" },
        target: { kind: "Node", name: "node-1" },
      })
    ).code,
    201,
  );
  assert.equal(
    (
      await call("POST", `${PODS_PATH}/a/binding`, {
        metadata: { name: "a" },
        target: { kind: "Node", name: "node-2" },
      })
    ).code,
    409,
  );
  const { body } = await call("DELETE", `${PODS_PATH}/a`);
  assert.equal(body.metadata["deletionGracePeriodSeconds"], 30);
  assert.equal((await call("GET", `${PODS_PATH}/a`)).code, 200);
  await call("DELETE", `${PODS_PATH}/a?gracePeriodSeconds=0`);
  assert.equal((await call("GET", `${PODS_PATH}/a`)).code, 404);
});

test("delete() keeps an object with another uid", async (t) => {
  const { call } = await startApi(t);
  await call("POST", PODS_PATH, podNamed("a"));
  assert.equal((await call("DELETE", `${PODS_PATH}/a`, { preconditions: { uid: "other" } })).code, 409);
  assert.equal((await call("DELETE", `${PODS_PATH}/a`)).code, 200);
  assert.equal((await call("DELETE", `${PODS_PATH}/a`)).code, 404);
});

test("createKubernetesEmulator(): an Event must be in the namespace of its object", async (t) => {
  const { call } = await startApi(t);
  const event = (namespace: string) => ({ metadata: { name: "e" }, involvedObject: { namespace } });
  const refused = await call("POST", "/api/v1/namespaces/default/events", event("shop"));
  assert.match(
    refused.body.message ?? "",
    /involvedObject\.namespace: Invalid value: "shop": does not match event\.namespace$/,
  );
  assert.equal((await call("POST", "/api/v1/namespaces/default/events", event("default"))).code, 201);
});

test("createKubernetesEmulator(): discovery names every resource that is served", async (t) => {
  const { call } = await startApi(t);
  const { body } = await call("GET", "/api/v1");
  const names = (body["resources"] as { name: string }[]).map(({ name }) => name);
  assert.deepEqual(
    names.filter((name) => !name.includes("/")),
    [
      ...["namespaces", "pods", "services", "serviceaccounts", "secrets", "configmaps", "events", "nodes"],
      ...["limitranges", "resourcequotas"],
    ],
  );
  assert.ok(names.includes("serviceaccounts/token"));
  assert.equal((await call("GET", "/apis/networking.k8s.io/v1")).code, 404);
});
