import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import { type PlanSettings, plan } from "../../src/injection/plan.ts";
import { ERRORS, PodroleError } from "../../src/protocol/errors.ts";
import { type Admission, createAdmissionHandler } from "../../src/webhook/admit.ts";
import type { CallerProof } from "../../src/webhook/callers.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { readAdmissionReview } from "../../src/webhook/review.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { injectedPod, podIn } from "../injection/injected-pod.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { annotatedPod, createFakeCluster, ROLE_ANNOTATIONS, reviewOf, SHOP } from "./requests.ts";

const TIMEOUT_MS = 3_000;

function createStage(settings: () => PlanSettings | undefined = () => PLAN_SETTINGS) {
  const clock = createFakeClock();
  const cluster = createFakeCluster();
  const { log, lines } = createKeptLog();
  const records: Readonly<Record<string, unknown>>[] = [];
  const lookups = createPodContextReader({ clock, cluster }, { timeoutMs: TIMEOUT_MS });
  const admit = createAdmissionHandler({ clock, log, audit: (line) => records.push({ ...line }), lookups, settings });
  const send = (object: unknown, request?: Record<string, unknown>, caller?: CallerProof): Promise<Admission> => {
    const read = readAdmissionReview(reviewOf(object, request));
    assert.ok(read.ok);
    return admit({ ...read.value, ...(caller && { caller }) });
  };
  return { clock, cluster, lines, records, send };
}

test("admit() patches a pod that may have its role", async () => {
  const { send, cluster } = createStage();
  const { decision, reason, response } = await send(annotatedPod());
  assert.deepEqual([decision, reason, response.allowed], ["inject", "INJECTED", true]);
  const namespace = { name: "shop", labels: SHOP.labels ?? {}, annotations: SHOP.annotations ?? {} };
  const planned = plan({ pod: annotatedPod(), namespace, serviceAccountAnnotations: {} }, PLAN_SETTINGS);
  assert.deepEqual(applyPatch(annotatedPod(), [...(response.patch ?? [])]), podIn(planned));
  assert.deepEqual(cluster.reads, [], "a decision from the caches makes no call to the API server");
});

test("admit() denies ROLE_FORBIDDEN with the code where kubectl and a controller's Event show it", async () => {
  const { send } = createStage();
  const { response } = await send(annotatedPod({ "iam.amazonaws.com/role": "payments" }));
  assert.equal(response.allowed, false);
  assert.equal(response.status?.code, 403);
  assert.equal(response.status?.reason, "ROLE_FORBIDDEN");
  assert.match(
    response.status?.message ?? "",
    /^ROLE_FORBIDDEN: Cannot give role arn:aws:iam::123456789012:role\/payments.* -- Permit the role in the namespace/,
  );
  assert.equal(response.patch, undefined);
});

test("admit() cuts a long reason, and never the remedy", async () => {
  const { send } = createStage();
  const { response } = await send(
    annotatedPod({ "iam.amazonaws.com/role": "payments", "podrole.io/mode": "é".repeat(9_000) }),
  );
  const message = response.status?.message ?? "";
  assert.ok(Buffer.byteLength(message) <= 900);
  assert.ok(message.endsWith(` -- ${ERRORS.ANNOTATION_INVALID.remedy}`), message);
});

test("admit() allows a pod without a role and changes nothing", async () => {
  const { send } = createStage();
  const { reason, response } = await send(annotatedPod({}));
  assert.equal(reason, "NO_ROLE");
  assert.deepEqual([response.allowed, response.patch], [true, []]);
});

test("admit() warns why a pod with a role is skipped", async () => {
  const { send } = createStage();
  const pod = annotatedPod();
  const { reason, response } = await send({ ...pod, spec: { ...pod.spec, hostNetwork: true } });
  assert.equal(reason, "HOST_NETWORK");
  assert.equal(response.warnings?.length, 1);
  assert.match(response.warnings?.[0] ?? "", /HOST_NETWORK/);
});

test("admit() repeats the look-up live when a lagging watch would refuse the pod", async () => {
  const { send, cluster } = createStage();
  cluster.watched.set("shop", { ...SHOP, annotations: { "iam.amazonaws.com/permitted": "other" } });
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() repeats the look-up live when a lagging watch would skip the pod", async () => {
  const { send, cluster } = createStage();
  cluster.watched.set("shop", {});
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  cluster.watched.set("shop", SHOP);
  cluster.live.set("shop/orders", { annotations: ROLE_ANNOTATIONS });
  assert.equal((await send(annotatedPod({}))).reason, "INJECTED");
});

test("admit() repeats the look-up live when a lagging watch would refuse the session of a role", async () => {
  const { send, cluster } = createStage();
  cluster.watched.set("shop/orders", {
    annotations: { "iam.amazonaws.com/role": "arn:aws:iam::999999999999:role/shop-a" },
  });
  cluster.live.set("shop/orders", { annotations: ROLE_ANNOTATIONS });
  const policy = { "podrole.io/session-policy-arns": "arn:aws:iam::123456789012:policy/narrow" };
  assert.equal((await send(annotatedPod(policy))).reason, "INJECTED");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() refuses a pod that the live look-up does not permit either", async () => {
  const { send, cluster } = createStage();
  assert.equal((await send(annotatedPod({ "iam.amazonaws.com/role": "payments" }))).reason, "ROLE_FORBIDDEN");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() confirms LIMITS_CONFLICT with the API server, whose LimitRange may have changed", async () => {
  const { send, cluster } = createStage();
  const max = { memory: "32Mi" };
  const range = { name: "sizes", type: "Container" as const, min: {}, max, default: max, maxLimitRequestRatio: {} };
  cluster.limits.watched = { ranges: [range], quotas: [] };
  assert.equal((await send(annotatedPod())).reason, "INJECTED");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders", "limits of shop"]);
  cluster.limits.live = cluster.limits.watched;
  const { reason, response } = await send(annotatedPod());
  assert.equal(reason, "LIMITS_CONFLICT");
  assert.match(response.status?.message ?? "", /^LIMITS_CONFLICT: Cannot size container "podrole-sidecar": LimitRange/);
});

test("admit() takes podrole's parts out of a copy without a role", async () => {
  const { send, records } = createStage();
  const { spec } = injectedPod();
  const copy = { metadata: { name: "copy" }, spec };
  const { decision, reason, response } = await send(copy);
  assert.deepEqual([decision, reason, response.allowed], ["skip", "NO_ROLE", true]);
  assert.deepEqual(applyPatch(copy, [...(response.patch ?? [])]), {
    metadata: { name: "copy" },
    spec: { containers: [{ name: "app", image: "shop/app:1" }] },
  });
  assert.match(response.warnings?.join() ?? "", /the pod has podrole's sidecar but no role/);
  assert.ok(records[0]?.["patchDigest"], "the record shows that the pod was changed");
});

test("admit() reads live what no watch has reported, and only once", async () => {
  const { send, cluster } = createStage();
  cluster.watched.clear();
  assert.equal((await send(annotatedPod({}))).reason, "NO_ROLE");
  assert.deepEqual(cluster.reads, ["shop", "shop/orders"]);
});

test("admit() makes no live look-up for a pod that no namespace could permit", async () => {
  const { send, cluster } = createStage();
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
  const { send } = createStage();
  const { response } = await send({ metadata: {}, spec: { containers: 7 } });
  assert.equal(
    response.status?.message,
    `REQUEST_INVALID: Cannot read the pod: spec.containers is a number; expected a list -- ${ERRORS.REQUEST_INVALID.remedy}`,
  );
});

test("admit() denies KUBERNETES_UNAVAILABLE when the API server does not answer in time", async () => {
  const { send, cluster, clock } = createStage();
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
  const { send, cluster, clock } = createStage();
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
    const { send, cluster, lines } = createStage();
    cluster.watched.clear();
    cluster.answering = Promise.reject(error);
    const { response, decision } = await send(annotatedPod());
    assert.deepEqual([decision, response.status?.reason], ["refuse", "KUBERNETES_UNAVAILABLE"]);
    assert.doesNotMatch(JSON.stringify(response), /10\.0\.0\.7/);
    assert.equal(lines.at(-1)?.["code"], "KUBERNETES_UNAVAILABLE");
  }
});

test("admit() denies KUBERNETES_UNAVAILABLE for a namespace that is not found", async () => {
  const { send } = createStage();
  assert.equal((await send(annotatedPod(), { namespace: "gone" })).reason, "KUBERNETES_UNAVAILABLE");
});

test("admit() denies KUBERNETES_UNAVAILABLE while the trust bundle is unknown", async () => {
  const { send } = createStage(() => undefined);
  assert.equal((await send(annotatedPod())).reason, "KUBERNETES_UNAVAILABLE");
});

test("admit() denies INTERNAL when podrole itself fails, with the cause only in the log", async () => {
  const { send, lines } = createStage(() => {
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
    const { send } = createStage();
    const { reason, response } = await send(annotatedPod(), request);
    assert.deepEqual([reason, response.allowed, response.patch], ["NOT_A_CREATION", true, []]);
  }
});

test("admit() records user, pod, roles and digest of the patch", async () => {
  const { send, records } = createStage();
  const { response } = await send(annotatedPod(), { dryRun: true });
  const { durationMs, patchDigest, ...record } = records[0] ?? {};
  assert.equal(records.length, 1);
  assert.equal(durationMs, 0);
  const hash = createHash("sha256").update(JSON.stringify(response.patch)).digest("hex");
  assert.equal(patchDigest, `sha256:${hash}`);
  assert.deepEqual(JSON.parse(JSON.stringify(record)), {
    audit: "admission",
    caller: "unproven",
    request: "705ab4f5-6393-11e8-b7cc-42010a800002",
    user: "system:serviceaccount:kube-system:replicaset-controller",
    groups: ["system:authenticated"],
    namespace: "shop",
    generateName: "orders-",
    owner: { kind: "ReplicaSet", name: "orders-1" },
    dryRun: true,
    roles: [
      {
        container: "app",
        asked: "shop-a",
        resolved: "arn:aws:iam::123456789012:role/shop-a",
        origin: "pod",
        allowed: true,
      },
    ],
    decision: "inject",
    reason: "INJECTED",
  });
  assert.deepEqual(response.auditAnnotations, {
    request: response.uid,
    decision: "inject",
    reason: "INJECTED",
    roles: "app=arn:aws:iam::123456789012:role/shop-a",
    origins: "app=pod",
  });
});

test("admit() never records a value of the pod's environment", async () => {
  const { send, records, lines } = createStage();
  const pod = annotatedPod();
  const env = [{ name: "AWS_SECRET_ACCESS_KEY", value: "hunter2" }];
  const app = { name: "app", env };
  await send({ ...pod, spec: { ...pod.spec, containers: [app] } });
  await send({ ...pod, spec: { ...pod.spec, containers: [app, { ...app, name: "other", volumeMounts: "hunter2" }] } });
  assert.doesNotMatch(JSON.stringify([records, lines]), /hunter2/);
});

test("admit() keeps warnings within the limits of the API server", async () => {
  const { send } = createStage();
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`podrole.io/${"x".repeat(300)}${index}`, ""]),
  );
  const { response } = await send(annotatedPod({ ...ROLE_ANNOTATIONS, ...many }));
  const warnings = response.warnings ?? [];
  assert.ok(warnings.length > 0 && warnings.every(({ length }) => length <= 256));
  assert.ok(warnings.reduce((sum, { length }) => sum + length, 0) <= 4096);
});

test("admit() records at most 16 warnings and 32 roles, with the number of the others", async () => {
  const { send, records } = createStage();
  const labels = Object.fromEntries(Array.from({ length: 1_000 }, (_, index) => [`podrole.io/l${index}`, ""]));
  const containers = Array.from({ length: 100 }, (_, index) => ({ name: `c${index}`, image: "app" }));
  const pod = annotatedPod();
  await send({ ...pod, metadata: { ...pod.metadata, labels }, spec: { ...pod.spec, containers } });
  const [record = {}] = records;
  const lengths = (["warnings", "roles"] as const).map((field) => (record[field] as unknown[]).length);
  assert.deepEqual(lengths, [16, 32]);
  assert.deepEqual([record["warningsOmitted"], record["rolesOmitted"]], [984, 68]);
  assert.ok(JSON.stringify(record).length < 16 * 1024);
});

test("admit() cuts the user's name and its groups in the audit record", async () => {
  const { send, records } = createStage();
  const groups = Array.from({ length: 100_000 }, (_, index) => `${index}-${"g".repeat(1_000)}`);
  await send(annotatedPod(), { userInfo: { username: "u".repeat(1_000_000), groups } }, "api-server");
  const [record = {}] = records;
  const kept = record["groups"] as string[];
  assert.equal(record["user"], "u".repeat(256));
  assert.deepEqual([kept.length, kept.every((group) => group.length === 256)], [32, true]);
  assert.equal(record["groupsOmitted"], 99_968);
  await send(annotatedPod());
  assert.deepEqual([records[1]?.["groups"], records[1]?.["groupsOmitted"]], [["system:authenticated"], undefined]);
});

test("admit() keeps the user and whole groups of at most 256 characters in all of a caller without proof", async () => {
  const { send, records } = createStage();
  const groups = ["a".repeat(100), "b".repeat(100), "c".repeat(100), "d"];
  await send(annotatedPod(), { userInfo: { username: "u".repeat(56), groups } });
  await send(annotatedPod(), { userInfo: { username: "u".repeat(1_000), groups } });
  assert.deepEqual(
    records.map((record) => [String(record["user"]).length, record["groups"], record["groupsOmitted"]]),
    [
      [56, groups.slice(0, 2), 2],
      [256, [], 4],
    ],
  );
});

test("admit() records ten skips per namespace and minute of callers without proof, with the number of the others", async () => {
  const { send, records, clock } = createStage();
  for (let index = 0; index < 25; index++) await send(annotatedPod({}));
  assert.equal(records.length, 10);
  await clock.advance(60_000);
  await send(annotatedPod({}));
  assert.deepEqual([records.length, records[9]?.["omitted"], records[10]?.["omitted"]], [11, undefined, 15]);
});

test("admit() records each skip of a caller that proved that it is the API server", async () => {
  const { send, records } = createStage();
  for (let index = 0; index < 25; index++) await send(annotatedPod({}), {}, "api-server");
  assert.equal(records.length, 25);
});

test("admit() records each injection and each refusal, whoever the caller is", async () => {
  const { send, records } = createStage();
  for (let index = 0; index < 25; index++) {
    await send(annotatedPod());
    await send(annotatedPod({ "iam.amazonaws.com/role": "payments" }));
  }
  const decisions = records.map(({ decision }) => decision);
  assert.deepEqual([...new Set(decisions)], ["inject", "refuse"]);
  assert.equal(decisions.length, 50);
});
