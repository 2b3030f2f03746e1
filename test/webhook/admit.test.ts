import assert from "node:assert/strict";
import { test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import { rangesOf } from "../../src/injection/namespace-limits.ts";
import { plan } from "../../src/injection/plan.ts";
import { ERRORS, PodroleError } from "../../src/protocol/errors.ts";
import type { Operation } from "../../src/webhook/patch.ts";
import { injectedPod, podIn } from "../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { createAdmissionStage, TIMEOUT_MS } from "./admission-stage.ts";
import { annotatedPod, ROLE_ANNOTATIONS, SHOP } from "./requests.ts";

const SKIPPED = "podrole.io/skipped";

test("admit() patches a pod that may have its role", async () => {
  const { send, cluster } = createAdmissionStage();
  const { decision, reason, response } = await send(annotatedPod());
  assert.deepEqual([decision, reason, response.allowed], ["inject", "INJECTED", true]);
  const namespace = { name: "shop", labels: SHOP.labels ?? {}, annotations: SHOP.annotations ?? {} };
  const planned = plan({ pod: annotatedPod(), namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
  assert.deepEqual(applyPatch(annotatedPod(), response.patch ?? "[]"), podIn(planned));
  assert.deepEqual(cluster.reads, [], "a decision from the caches makes no call to the API server");
});

test("admit() denies ROLE_FORBIDDEN with the code where kubectl and a controller's Event show it", async () => {
  const { send } = createAdmissionStage();
  const { response } = await send(annotatedPod({ "iam.amazonaws.com/role": "payments" }));
  assert.equal(response.allowed, false);
  assert.equal(response.status?.code, 403);
  assert.equal(response.status?.reason, "ROLE_FORBIDDEN");
  assert.match(
    response.status?.message ?? "",
    /^ROLE_FORBIDDEN: Cannot give role arn:aws:iam::123456789012:role\/payments.* -- Correct the role's name/,
  );
  assert.equal(response.patch, undefined);
});

test("admit() cuts a long reason, and never the remedy", async () => {
  const { send } = createAdmissionStage();
  const { response } = await send(
    annotatedPod({ "iam.amazonaws.com/role": "payments", "podrole.io/mode": "é".repeat(9_000) }),
  );
  const message = response.status?.message ?? "";
  assert.ok(Buffer.byteLength(message) <= 900);
  assert.ok(message.endsWith(` -- ${ERRORS.ANNOTATION_INVALID.remedy}`), message);
});

test("admit() allows a pod without a role and changes nothing", async () => {
  const { send } = createAdmissionStage();
  const { reason, response } = await send(annotatedPod({}));
  assert.equal(reason, "NO_ROLE");
  assert.deepEqual([response.allowed, response.patch], [true, undefined]);
});

test("admit() warns why a pod with a role is skipped", async () => {
  const { send } = createAdmissionStage();
  const pod = annotatedPod();
  const { reason, response } = await send({ ...pod, spec: { ...pod.spec, hostNetwork: true } });
  assert.equal(reason, "HOST_NETWORK");
  assert.equal(response.warnings?.length, 1);
  assert.match(response.warnings?.[0] ?? "", /HOST_NETWORK/);
});

const label = { op: "add", path: "/metadata/labels/podrole.io~1skipped", value: "HOST_NETWORK" };
for (const [what, labels, expected] of [
  ["a pod without labels", undefined, [{ ...label, path: "/metadata/labels", value: { [SKIPPED]: "HOST_NETWORK" } }]],
  ["a pod with labels", { app: "web" }, [label]],
  ["a pod with another reason", { [SKIPPED]: "WINDOWS" }, [{ ...label, op: "replace" }]],
  ["a pod with the reason, when it is called again", { [SKIPPED]: "HOST_NETWORK" }, []],
] as const) {
  test(`admit() labels a skipped pod whose role has no effect with the reason: ${what}`, async () => {
    const { send } = createAdmissionStage();
    const pod = annotatedPod();
    const metadata = { ...pod.metadata, ...(labels && { labels }) };
    const { response } = await send({ ...pod, metadata, spec: { ...pod.spec, hostNetwork: true } });
    assert.deepEqual(JSON.parse(response.patch ?? "[]"), expected);
    assert.ok(!response.warnings?.some((text) => text.includes(SKIPPED)));
  });
}

for (const [what, annotations, more] of [
  ["without a role", {}, { hostNetwork: true }],
  ["that opts out", { ...ROLE_ANNOTATIONS, "podrole.io/inject": "disabled" }, {}],
] as const) {
  test(`admit() does not label a skipped pod ${what}`, async () => {
    const { send } = createAdmissionStage();
    const pod = annotatedPod(annotations);
    const { decision, response } = await send({ ...pod, spec: { ...pod.spec, ...more } });
    assert.deepEqual([decision, response.patch], ["skip", undefined]);
  });
}

test("admit() labels no pod of a namespace in which podrole changes nothing", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.watched.set("shop", {});
  cluster.live.set("shop", {});
  const { reason, response } = await send(annotatedPod());
  assert.deepEqual([reason, response.patch], ["NAMESPACE_NOT_LABELLED", undefined]);
});

test("admit() labels a copy of an injected pod when it takes podrole's parts out of it", async () => {
  const { send } = createAdmissionStage();
  const injected = injectedPod();
  const { reason, response } = await send({ ...injected, spec: { ...injected.spec, hostNetwork: true } });
  assert.equal(reason, "HOST_NETWORK");
  const operations = JSON.parse(response.patch ?? "[]") as Operation[];
  const labels = operations.find(({ path }) => path === "/metadata/labels");
  assert.deepEqual(labels, { op: "replace", path: "/metadata/labels", value: { [SKIPPED]: "HOST_NETWORK" } });
});

test("admit() repeats the look-up live when a lagging watch would refuse the pod", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.watched.set("shop", { ...SHOP, annotations: { "iam.amazonaws.com/permitted": "other" } });
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() repeats the look-up live when a lagging watch would skip the pod", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.watched.set("shop", {});
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  cluster.watched.set("shop", SHOP);
  cluster.live.set("shop/orders", { annotations: ROLE_ANNOTATIONS });
  assert.equal((await send(annotatedPod({}))).reason, "INJECTED");
});

test("admit() repeats the look-up live when a lagging watch would refuse the session of a role", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.watched.set("shop/orders", {
    annotations: { "iam.amazonaws.com/role": "arn:aws:iam::999999999999:role/shop-a" },
  });
  cluster.live.set("shop/orders", { annotations: ROLE_ANNOTATIONS });
  const policy = { "podrole.io/session-policy-arns": "arn:aws:iam::123456789012:policy/narrow" };
  assert.equal((await send(annotatedPod(policy))).reason, "INJECTED");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() refuses a pod that the live look-up does not permit either", async () => {
  const { send, cluster } = createAdmissionStage();
  assert.equal((await send(annotatedPod({ "iam.amazonaws.com/role": "payments" }))).reason, "ROLE_FORBIDDEN");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

const SMALL = { memory: "32Mi" };
const SMALL_RANGE = rangesOf({ metadata: { name: "sizes" }, spec: { limits: [{ type: "Container", max: SMALL }] } });

test("admit() confirms LIMITS_CONFLICT with the API server, whose LimitRange may have changed", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.limits.watched = { ranges: SMALL_RANGE, quotas: [] };
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders", "limits of shop"]);
  cluster.limits.live = cluster.limits.watched;
  const { reason, response } = await send(annotatedPod());
  assert.equal(reason, "LIMITS_CONFLICT");
  assert.match(response.status?.message ?? "", /^LIMITS_CONFLICT: Cannot size container "podrole-sidecar": LimitRange/);
});

test("admit() confirms LIMITS_CONFLICT from a cache even if namespace and ServiceAccount were read live", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.limits.watched = { ranges: SMALL_RANGE, quotas: [] };
  cluster.watched.clear();
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  assert.equal(cluster.reads.at(-1), "limits of shop");
  // A cached namespace without the label leads to a live look-up, which must not make the cached limits count as live.
  cluster.watched.set("shop", {});
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  assert.equal(cluster.reads.at(-1), "limits of shop");
});

test("admit() takes podrole's parts out of a copy without a role", async () => {
  const { send, records } = createAdmissionStage();
  const { spec } = injectedPod();
  const copy = { metadata: { name: "copy" }, spec };
  const { decision, reason, response } = await send(copy);
  assert.deepEqual([decision, reason, response.allowed], ["skip", "NO_ROLE", true]);
  assert.deepEqual(applyPatch(copy, response.patch ?? "[]"), {
    metadata: { name: "copy" },
    spec: { containers: [{ name: "app", image: "shop/app:1" }] },
  });
  assert.match(response.warnings?.join() ?? "", /the pod has podrole's sidecar but no role/);
  assert.ok(records[0]?.["patchDigest"], "the record shows that the pod was changed");
});

test("admit() reads live what no watch has reported, and only once", async () => {
  const { send, cluster } = createAdmissionStage();
  cluster.watched.clear();
  assert.equal((await send(annotatedPod({}))).reason, "NO_ROLE");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() makes no live look-up for a pod that no namespace could permit", async () => {
  const { send, cluster } = createAdmissionStage();
  assert.equal(
    (await send(annotatedPod({ ...ROLE_ANNOTATIONS, "podrole.io/inject": "disabled" }))).reason,
    "INJECTION_DISABLED",
  );
  assert.equal(
    (await send(annotatedPod({ ...ROLE_ANNOTATIONS, "podrole.io/containers": "other" }))).reason,
    "CONTAINER_UNKNOWN",
  );
  assert.deepEqual(cluster.reads, []);
});

test("admit() denies REQUEST_INVALID for a pod with a field of another type, and names the field", async () => {
  const { send } = createAdmissionStage();
  const { response } = await send({ metadata: {}, spec: { containers: 7 } });
  assert.equal(
    response.status?.message,
    `REQUEST_INVALID: Cannot read the pod: spec.containers is a number; expected a list -- ${ERRORS.REQUEST_INVALID.remedy}`,
  );
});

test("admit() denies KUBERNETES_UNAVAILABLE when the API server does not answer in time", async () => {
  const { send, cluster, clock } = createAdmissionStage();
  cluster.watched.clear();
  cluster.answering = new Promise(() => {});
  const sent = send(annotatedPod());
  await clock.advance(TIMEOUT_MS);
  const { response } = await sent;
  assert.deepEqual(
    [response.allowed, response.status?.reason, response.status?.code],
    [false, "KUBERNETES_UNAVAILABLE", 503],
  );
});

test("admit() denies in time when the look-up of an unknown object and the live one are both slow", async () => {
  const { send, cluster, clock } = createAdmissionStage();
  cluster.watched.delete("shop/orders");
  let answer = () => {};
  cluster.answering = new Promise((resolve) => {
    answer = () => resolve(undefined);
  });
  const sent = send(annotatedPod({ "iam.amazonaws.com/role": "payments" }));
  await clock.advance(TIMEOUT_MS - 1_000);
  answer();
  cluster.answering = new Promise(() => {});
  await clock.advance(999);
  await clock.advance(1);
  const { response } = await sent;
  assert.equal(response.status?.reason, "KUBERNETES_UNAVAILABLE");
});

test("admit() denies KUBERNETES_UNAVAILABLE when a lookup fails, without details of the failure", async () => {
  for (const error of [
    new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot get namespace"),
    new TypeError("10.0.0.7:6443"),
  ]) {
    const { send, cluster, lines } = createAdmissionStage();
    cluster.watched.clear();
    cluster.answering = Promise.reject(error);
    const { response, decision } = await send(annotatedPod());
    assert.deepEqual([decision, response.status?.reason], ["refuse", "KUBERNETES_UNAVAILABLE"]);
    assert.doesNotMatch(JSON.stringify(response), /10\.0\.0\.7/);
    assert.equal(lines.at(-1)?.["code"], "KUBERNETES_UNAVAILABLE");
  }
});

test("admit() denies REQUEST_INVALID for a namespace that does not exist, without an error line", async () => {
  const { send, lines, records } = createAdmissionStage();
  const { reason, response } = await send(annotatedPod(), { namespace: "gone" });
  assert.deepEqual([reason, response.allowed, response.status?.code], ["REQUEST_INVALID", false, 400]);
  assert.deepEqual([lines.length, records[0]?.["reason"]], [0, "REQUEST_INVALID"]);
});

test("admit() writes ten error lines a minute for each code of an outage, and how many it left out", async () => {
  const { send, cluster, clock, lines, records } = createAdmissionStage();
  cluster.watched.clear();
  cluster.answering = Promise.reject(new TypeError("socket closed"));
  for (let index = 0; index < 12; index += 1) await send(annotatedPod());
  assert.deepEqual([lines.length, records.length], [10, 12], "every refusal has its record");
  await clock.advance(60_000);
  await send(annotatedPod());
  assert.deepEqual([lines.length, lines.at(-1)?.["omitted"]], [11, 2]);
});

test("admit() denies KUBERNETES_UNAVAILABLE while the trust bundle is unknown", async () => {
  const { send } = createAdmissionStage(() => undefined);
  assert.equal((await send(annotatedPod())).reason, "KUBERNETES_UNAVAILABLE");
});

test("admit() denies INTERNAL when podrole itself fails, with the cause only in the log", async () => {
  const { send, lines } = createAdmissionStage(() => {
    throw new RangeError("a detail");
  });
  const { response } = await send(annotatedPod());
  assert.equal(response.status?.reason, "INTERNAL");
  assert.doesNotMatch(JSON.stringify(response), /a detail/);
  assert.match(JSON.stringify(lines.at(-1)), /a detail/);
});

test("admit() allows every request that does not create a pod, unchanged", async () => {
  const requests = [
    { operation: "UPDATE" },
    { operation: "DELETE", object: null },
    { operation: "CREATE", subResource: "eviction", kind: { group: "policy", version: "v1", kind: "Eviction" } },
    { operation: "UPDATE", subResource: "ephemeralcontainers" },
  ];
  for (const request of requests) {
    const { send } = createAdmissionStage();
    const { reason, response } = await send(annotatedPod(), request);
    assert.deepEqual([reason, response.allowed, response.patch], ["NOT_A_CREATION", true, undefined]);
  }
});
