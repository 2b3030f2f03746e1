// What the webhook records about its decisions.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { createAdmissionStage } from "./admission-stage.ts";
import { annotatedPod, ROLE_ANNOTATIONS } from "./requests.ts";

test("admit() records user, pod, roles and digest of the patch", async () => {
  const { send, records } = createAdmissionStage();
  const { response } = await send(annotatedPod(), { dryRun: true });
  const { durationMs, patchDigest, ...record } = records[0] ?? {};
  assert.equal(records.length, 1);
  assert.equal(durationMs, 0);
  const hash = createHash("sha256")
    .update(response.patch ?? "")
    .digest("hex");
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
  const { send, records, lines } = createAdmissionStage();
  const pod = annotatedPod();
  const env = [{ name: "AWS_SECRET_ACCESS_KEY", value: "hunter2" }];
  const app = { name: "app", env };
  await send({ ...pod, spec: { ...pod.spec, containers: [app] } });
  await send({ ...pod, spec: { ...pod.spec, containers: [app, { ...app, name: "other", volumeMounts: "hunter2" }] } });
  assert.doesNotMatch(JSON.stringify([records, lines]), /hunter2/);
});

test("admit() keeps warnings within the limits of the API server", async () => {
  const { send } = createAdmissionStage();
  const many = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [`podrole.io/${"x".repeat(300)}${index}`, ""]),
  );
  const { response } = await send(annotatedPod({ ...ROLE_ANNOTATIONS, ...many }));
  const warnings = response.warnings ?? [];
  assert.ok(warnings.length > 0 && warnings.every(({ length }) => length <= 256));
  assert.ok(warnings.reduce((sum, { length }) => sum + length, 0) <= 4096);
});

test("admit() records at most 16 warnings and 32 roles, with the number of the others", async () => {
  const { send, records } = createAdmissionStage();
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
  const { send, records } = createAdmissionStage();
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
  const { send, records } = createAdmissionStage();
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
  const { send, records, clock } = createAdmissionStage();
  for (let index = 0; index < 25; index++) await send(annotatedPod({}));
  assert.equal(records.length, 10);
  await clock.advance(60_000);
  await send(annotatedPod({}));
  assert.deepEqual([records.length, records[9]?.["omitted"], records[10]?.["omitted"]], [11, undefined, 15]);
});

test("admit() records each skip of a caller that proved that it is the API server", async () => {
  const { send, records } = createAdmissionStage();
  for (let index = 0; index < 25; index++) await send(annotatedPod({}), {}, "api-server");
  assert.equal(records.length, 25);
});

for (const [what, change] of [
  ["the label", (pod: Pod) => (pod.metadata.labels = { "podrole.io/injected": "true" })],
  ["a container", (pod: Pod) => pod.spec.containers.push({ name: "podrole-sidecar" })],
  ["an init container", (pod: Pod) => (pod.spec.initContainers = [{ name: "podrole-sidecar" }])],
] as const) {
  test(`admit() records each skip of a pod that has ${what} of podrole's, whoever the caller is`, async () => {
    const { send, records } = createAdmissionStage();
    const pod = annotatedPod({ "podrole.io/inject": "disabled" });
    change(pod);
    for (let index = 0; index < 12; index++) await send(annotatedPod({}));
    assert.equal(records.length, 10);
    await send(pod);
    await send(pod, { operation: "UPDATE" });
    assert.deepEqual([records.length, records[10]?.["reason"]], [11, "INJECTION_DISABLED"]);
  });
}

test("admit() records each injection and each refusal, whoever the caller is", async () => {
  const { send, records } = createAdmissionStage();
  for (let index = 0; index < 25; index++) {
    await send(annotatedPod());
    await send(annotatedPod({ "iam.amazonaws.com/role": "payments" }));
  }
  const decisions = records.map(({ decision }) => decision);
  assert.deepEqual([...new Set(decisions)], ["inject", "refuse"]);
  assert.equal(decisions.length, 50);
});
