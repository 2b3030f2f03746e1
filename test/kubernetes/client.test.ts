// The Kubernetes interface over real sockets, with permissions granted and denied.
import assert from "node:assert/strict";
import { createPublicKey, verify } from "node:crypto";
import { type TestContext, test } from "node:test";
import type { KubeObject } from "../../emulators/kubernetes/objects.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { type Cluster, createAndRead, podWithMetadata, startCluster } from "./harness.ts";

/** Creates a pod and a token that is bound to it, as a kubelet requests one. */
async function podWithToken({ emulator }: Cluster, audience: string) {
  const pod = await createAndRead<Pod>(emulator, "/api/v1/namespaces/default/pods", podWithMetadata({ name: "web" }));
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "web", uid: pod.metadata.uid };
  const request = await createAndRead<{ status: { token: string } }>(
    emulator,
    "/api/v1/namespaces/default/serviceaccounts/default/token",
    { metadata: {}, spec: { audiences: [audience], expirationSeconds: 600, boundObjectRef } },
  );
  return { pod, token: new Secret(request.status.token) };
}

test("reviewToken() returns pod, ServiceAccount and audience of a bound token", async (t) => {
  const cluster = await startCluster(t);
  const { pod, token } = await podWithToken(cluster, "podrole.io");
  const review = await (await cluster.connect()).reviewToken(token, "podrole.io");
  assert.equal(review.authenticated, true);
  assert.deepEqual(review.audiences, ["podrole.io"]);
  assert.equal(review.username, "system:serviceaccount:default:default");
  assert.deepEqual(review.extra["authentication.kubernetes.io/pod-name"], ["web"]);
  assert.deepEqual(review.extra["authentication.kubernetes.io/pod-uid"], [pod.metadata.uid]);
  assert.match(review.extra["authentication.kubernetes.io/credential-id"]?.[0] ?? "", /^JTI=[0-9a-f-]{36}$/);
  assert.equal(review.error, "");
});

test("reviewToken() rejects a token of another audience with the API server's reason", async (t) => {
  const cluster = await startCluster(t);
  const { token } = await podWithToken(cluster, "vault");
  const review = await (await cluster.connect()).reviewToken(token, "podrole.io");
  assert.equal(review.authenticated, false);
  assert.deepEqual(review.audiences, []);
  assert.equal(
    review.error,
    '[invalid bearer token, token audiences ["vault"] is invalid for the target audiences ["podrole.io"]]',
  );
});

test("reviewToken() rejects a token once its pod is deleted, even if another pod has the name", async (t) => {
  const cluster = await startCluster(t);
  const { token } = await podWithToken(cluster, "podrole.io");
  const kubernetes = await cluster.connect();
  cluster.emulator.store.remove("pods", "default", "web");
  assert.equal((await kubernetes.reviewToken(token, "podrole.io")).authenticated, false);
  await createAndRead(cluster.emulator, "/api/v1/namespaces/default/pods", podWithMetadata({ name: "web" }));
  const review = await kubernetes.reviewToken(token, "podrole.io");
  assert.deepEqual(
    [review.authenticated, review.error],
    [false, "[invalid bearer token, service account token has been invalidated]"],
  );
});

test("reviewToken() rejects text that is not a token", async (t) => {
  const kubernetes = await (await startCluster(t)).connect();
  for (const text of ["x", "a.b.c", "a.b.c.d"]) {
    assert.equal((await kubernetes.reviewToken(new Secret(text), "podrole.io")).authenticated, false, text);
  }
});

test("getPod() returns the object as it is in JSON, including fields unknown to podrole", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const pod = { ...podWithMetadata({ name: "web" }), somethingNew: { at: "2030-01-01T00:00:00Z" } };
  await createAndRead(emulator, "/api/v1/namespaces/default/pods", pod);
  const found = await (await connect()).getPod("default", "web");
  assert.deepEqual(found?.["somethingNew"], { at: "2030-01-01T00:00:00Z" });
  assert.equal(typeof found?.metadata["creationTimestamp"], "string");
});

test("listKubelets() returns the version of each node, read in pages, and needs the right to list nodes", async (t) => {
  const { emulator, connect } = await startCluster(t);
  for (let index = 0; index < 101; index += 1) {
    const status = { nodeInfo: { kubeletVersion: `v1.37.${index}` } };
    const spec = index === 0 ? { unschedulable: true } : {};
    await createAndRead(emulator, "/api/v1/nodes", { metadata: { name: `node-${index}` }, spec, status });
  }
  const { signal } = new AbortController();
  emulator.restrict("lister", [{ apiGroups: [""], resources: ["nodes"], verbs: ["list"] }]);
  const kubelets = await (await connect("lister")).listKubelets(signal);
  assert.equal(new Set(kubelets.map(({ node }) => node)).size, 101);
  assert.deepEqual(
    kubelets.filter(({ isSchedulable }) => !isSchedulable),
    [{ node: "node-0", version: "v1.37.0", isSchedulable: false }],
  );
  emulator.restrict("other", []);
  await assert.rejects((await connect("other")).listKubelets(signal), { status: 403 });
});

test("servesResource() finds what the API server serves, without any right", async (t) => {
  const { emulator, connect } = await startCluster(t);
  emulator.restrict("nobody", []);
  assert.equal(await (await connect("nobody")).servesResource("podcertificaterequests"), true);
});

test("createKubernetes() has getters that return undefined for objects that do not exist", async (t) => {
  const kubernetes = await (await startCluster(t)).connect();
  assert.equal(await kubernetes.getPod("default", "nobody"), undefined);
  assert.equal(await kubernetes.getNamespace("nowhere"), undefined);
  assert.equal(await kubernetes.getServiceAccount("nowhere", "default"), undefined);
  assert.equal(await kubernetes.getSecret("default", "none"), undefined);
  assert.equal(await kubernetes.getConfigMap("default", "none"), undefined);
  assert.equal(await kubernetes.getWebhookConfiguration("none"), undefined);
  assert.equal((await kubernetes.getServiceAccount("default", "default"))?.metadata.name, "default");
  assert.equal((await kubernetes.getNamespace("default"))?.metadata.name, "default");
});

test("getPod() escapes a name that is not a valid one", async (t) => {
  const { emulator, connect } = await startCluster(t);
  assert.equal(await (await connect()).getPod("default", "../../secrets/x?watch=true"), undefined);
  assert.deepEqual(
    emulator.audit.map(({ verb, objectRef }) => [verb, objectRef.resource, objectRef.name]),
    [["get", "pods", "../../secrets/x?watch=true"]],
  );
});

const KEYS = { "current.key": new Secret("first") };

test("createSecret() creates once and returns exists to the second caller", async (t) => {
  const kubernetes = await (await startCluster(t)).connect();
  assert.equal(await kubernetes.createSecret("default", "ca", KEYS, { labels: { app: "podrole" } }), "created");
  assert.equal(await kubernetes.createSecret("default", "ca", KEYS), "exists");
  const secret = await kubernetes.getSecret("default", "ca");
  assert.deepEqual(secret?.metadata.labels, { app: "podrole" });
  assert.equal(secret?.data["current.key"]?.reveal(), "first");
});

test("createSecret() and putConfigMap() set the owners at creation and leave them unchanged later", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  const owner = { apiVersion: "v1", kind: "ServiceAccount", name: "server", uid: "1-2-3" };
  const creation = { owners: [owner] };
  await kubernetes.createSecret("default", "ca", KEYS, creation);
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "one" }, creation);
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "two" }, {});
  for (const [resource, name] of [
    ["secrets", "ca"],
    ["configmaps", "trust"],
  ] as const) {
    assert.deepEqual(emulator.store.get(resource, "default", name).metadata.ownerReferences, [owner]);
  }
});

test("replaceSecret() replaces data and leaves the fields of other writers", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  await kubernetes.createSecret("default", "ca", KEYS, { labels: { app: "podrole" } });
  const { resourceVersion = "" } = emulator.store.get("secrets", "default", "ca").metadata;
  const replaced = await kubernetes.replaceSecret(
    "default",
    "ca",
    { "next.key": new Secret("second") },
    resourceVersion,
  );
  assert.equal(replaced, "replaced");
  const secret = await kubernetes.getSecret("default", "ca");
  assert.deepEqual(Object.keys(secret?.data ?? {}), ["next.key"]);
  assert.deepEqual(secret?.metadata.labels, { app: "podrole" });
});

test("replaceSecret() returns conflict for an old version and for a deleted Secret", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  await kubernetes.createSecret("default", "ca", KEYS);
  const { resourceVersion = "" } = emulator.store.get("secrets", "default", "ca").metadata;
  await kubernetes.replaceSecret("default", "ca", { "current.key": new Secret("theirs") }, resourceVersion);
  assert.equal(await kubernetes.replaceSecret("default", "ca", KEYS, resourceVersion), "conflict");
  assert.equal((await kubernetes.getSecret("default", "ca"))?.data["current.key"]?.reveal(), "theirs");
  emulator.store.remove("secrets", "default", "ca");
  assert.equal(await kubernetes.replaceSecret("default", "ca", KEYS, resourceVersion), "conflict");
});

/** Runs `task` once, before the API server handles the next request of this verb. */
function beforeNext({ emulator }: Cluster, verb: string, task: () => void): void {
  let isDue = true;
  emulator.faults.only = (info) => {
    if (isDue && info.verb === verb) {
      isDue = false;
      task();
    }
    return false;
  };
}

test("putConfigMap() creates and changes, and does not write identical content", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  const versionOf = () => emulator.store.get("configmaps", "default", "trust").metadata.resourceVersion;
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "one" });
  const first = versionOf();
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "one" });
  assert.equal(versionOf(), first);
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "two" });
  assert.deepEqual(await kubernetes.getConfigMap("default", "trust"), { "bundle.pem": "two" });
});

test("putConfigMap() ends with its own content if another replica is faster", async (t) => {
  const cluster = await startCluster(t);
  const { store } = cluster.emulator;
  const kubernetes = await cluster.connect();
  const theirs = { metadata: { name: "trust", namespace: "default" }, data: { "bundle.pem": "theirs" } };
  beforeNext(cluster, "create", () => store.create("configmaps", theirs));
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "ours" });
  assert.deepEqual(await kubernetes.getConfigMap("default", "trust"), { "bundle.pem": "ours" });
  beforeNext(cluster, "patch", () => store.replace("configmaps", theirs));
  await kubernetes.putConfigMap("default", "trust", { "bundle.pem": "later" });
  assert.deepEqual(await kubernetes.getConfigMap("default", "trust"), { "bundle.pem": "later" });
});

test("putConfigMap() rejects after five attempts if another writer changes the ConfigMap during each", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const metadata = { name: "trust", namespace: "default" };
  emulator.store.create("configmaps", { metadata, data: { writes: "0" } });
  let writes = 0;
  emulator.faults.only = ({ verb }) => {
    if (verb === "patch") emulator.store.replace("configmaps", { metadata, data: { writes: String(++writes) } });
    return false;
  };
  await assert.rejects((await connect()).putConfigMap("default", "trust", { "bundle.pem": "ours" }), {
    code: "KUBERNETES_UNAVAILABLE",
    message:
      'Cannot write configmap "default/trust": another writer changed it during each of 5 attempts; expected one attempt without a conflict',
  });
  assert.equal(writes, 5);
});

const PEM = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n";

function webhookConfiguration(): Pick<KubeObject, "metadata"> & Record<string, unknown> {
  const webhook = (name: string) => ({
    name,
    clientConfig: { url: "https://127.0.0.1:9443/mutate" },
    sideEffects: "None",
    admissionReviewVersions: ["v1"],
  });
  return { metadata: { name: "podrole" }, webhooks: [webhook("pods.podrole.io"), webhook("more.podrole.io")] };
}

test("setCaBundle() sets caBundle in every webhook and changes nothing else", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const kubernetes = await connect();
  emulator.store.create("mutatingwebhookconfigurations", webhookConfiguration());
  assert.equal(await kubernetes.setCaBundle("podrole", PEM), "changed");
  const after = await kubernetes.getWebhookConfiguration("podrole");
  assert.deepEqual(after?.webhooks, [
    { name: "pods.podrole.io", caBundle: PEM },
    { name: "more.podrole.io", caBundle: PEM },
  ]);
  const { webhooks } = emulator.store.get("mutatingwebhookconfigurations", undefined, "podrole");
  const caBundle = Buffer.from(PEM).toString("base64");
  const expected = (webhookConfiguration()["webhooks"] as { clientConfig: object }[]).map((webhook) =>
    Object.assign(webhook, { clientConfig: { ...webhook.clientConfig, caBundle } }),
  );
  assert.deepEqual(webhooks, expected);
});

test("setCaBundle() distinguishes unchanged, absent and conflict", async (t) => {
  const cluster = await startCluster(t);
  const { store } = cluster.emulator;
  const kubernetes = await cluster.connect();
  assert.equal(await kubernetes.setCaBundle("podrole", PEM), "absent");
  store.create("mutatingwebhookconfigurations", webhookConfiguration());
  beforeNext(cluster, "patch", () => store.replace("mutatingwebhookconfigurations", webhookConfiguration()));
  assert.equal(await kubernetes.setCaBundle("podrole", PEM), "conflict");
  assert.equal(await kubernetes.setCaBundle("podrole", PEM), "changed");
  assert.equal(await kubernetes.setCaBundle("podrole", PEM), "unchanged");
});

async function recordOne(t: TestContext, message: string): Promise<KubeObject> {
  const { emulator, connect } = await startCluster(t);
  await (await connect()).recordEvent({
    namespace: "default",
    pod: { name: "web", uid: "5f2c" },
    type: "Warning",
    reason: "ROLE_FORBIDDEN",
    message,
  });
  const [event, ...more] = emulator.store.list("events");
  assert.deepEqual(more, []);
  return event as KubeObject;
}

test("recordEvent() writes an Event that kubectl describe pod shows", async (t) => {
  const event = await recordOne(t, "not permitted");
  assert.deepEqual(event["involvedObject"], {
    apiVersion: "v1",
    kind: "Pod",
    namespace: "default",
    name: "web",
    uid: "5f2c",
  });
  assert.deepEqual([event["type"], event["reason"], event["message"]], ["Warning", "ROLE_FORBIDDEN", "not permitted"]);
});

test("recordEvent() truncates a message that the API server would refuse", async (t) => {
  const event = await recordOne(t, "x".repeat(3000));
  assert.equal((event["message"] as string).length, 1024);
});

test("recordOwnerEvent() writes one Event for an owner and a reason, whichever replica calls", async (t) => {
  const { emulator, connect } = await startCluster(t);
  const owner = { apiVersion: "apps/v1", kind: "DaemonSet", name: "d".repeat(253), uid: "5f2c" };
  const event = { namespace: "default", owner, reason: "HOST_NETWORK", message: "x".repeat(3000) };
  const [one, two] = [await connect(), await connect()];
  assert.deepEqual(
    [
      await one.recordOwnerEvent(event),
      await two.recordOwnerEvent({ ...event, message: "another pod" }),
      await two.recordOwnerEvent({ ...event, reason: "WINDOWS" }),
      await two.recordOwnerEvent({ ...event, owner: { ...owner, uid: "6a3d" } }),
    ],
    ["recorded", "exists", "recorded", "recorded"],
  );
  const [first] = emulator.store.list("events");
  assert.deepEqual(first?.["involvedObject"], { ...owner, namespace: "default" });
  assert.deepEqual([first?.["type"], String(first?.["message"]).length], ["Warning", 1024]);
});

test("serverVersion() reads the numbers of a distribution's version", async (t) => {
  const { connect } = await startCluster(t, { version: { major: "1", minor: "33+" } });
  assert.deepEqual(await (await connect()).serverVersion(), { major: 1, minor: 33 });
});

test("getTokenKeys() returns the keys with which tokens are signed", async (t) => {
  const cluster = await startCluster(t);
  const { token } = await podWithToken(cluster, "podrole.io");
  const [jwk, ...others] = await (await cluster.connect()).getTokenKeys();
  assert.deepEqual(others, []);
  const [header = "", payload = "", signature = ""] = token.reveal().split(".");
  assert.equal(JSON.parse(Buffer.from(header, "base64url").toString()).kid, jwk?.["kid"]);
  const key = createPublicKey({ key: jwk ?? {}, format: "jwk" });
  const encoding = { key, dsaEncoding: "ieee-p1363" } as const;
  assert.ok(verify("sha256", Buffer.from(`${header}.${payload}`), encoding, Buffer.from(signature, "base64url")));
});
