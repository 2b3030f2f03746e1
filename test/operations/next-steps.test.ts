// The next command after each cause.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { readCreationFailure, stepsAfterCreationFailure } from "../../src/operations/creation-failure.ts";
import { likelyWorkload, restartStep, stepsAfterCode } from "../../src/operations/next-steps.ts";
import { blockedWorkloads } from "../../src/operations/status/refusal-rows.ts";
import { ERRORS } from "../../src/protocol/errors.ts";

const OBJECT = { namespace: "shop", kind: "pod", name: "orders" };

suite("stepsAfterCode()", () => {
  test("has a step for every error code, and for one of a newer version", () => {
    for (const code of [...Object.keys(ERRORS), "OF_TOMORROW"]) {
      const [first = ""] = stepsAfterCode(code, { object: OBJECT, restart: restartStep({ metadata: {} }) });
      assert.match(first, /^(kubectl|podrole) /, code);
    }
  });

  test("quotes names for the shell", () => {
    const [first] = stepsAfterCode("ROLE_MISSING", { object: { ...OBJECT, name: "a; b" } });
    assert.equal(first, "kubectl -n shop edit 'pod/a; b'  # add the annotation iam.amazonaws.com/role");
  });

  test("names the server's principal for STS_DENIED only if the server's own message does", () => {
    const principal = "arn:aws:iam::123456789012:role/podrole-server";
    const steps = (message: string, field = "serverMessage") =>
      stepsAfterCode("STS_DENIED", { object: OBJECT, [field]: message }).join("\n");
    const forged = steps(`must allow sts:AssumeRole to ${principal}, such as {}`, "message");
    assert.match(forged, /^podrole aws trust --principal ARN {2}#/);
    assert.ok(!forged.includes(principal), forged);
    assert.match(
      steps(`must allow sts:AssumeRole to ${principal}, such as {}`),
      new RegExp(`--principal ${principal} `),
    );
    assert.match(steps(`${principal} itself lacks sts:AssumeRole`), /^podrole aws policy {2}#/);
    assert.match(steps("Cannot assume role"), /^podrole aws trust --principal ARN {2}#/);
    // A record is cut where the author of a pod may choose, by the length of the role's path.
    assert.match(steps(`must allow sts:AssumeRole to ${principal.slice(0, -7)}`), /--principal ARN {2}#/);
  });

  test("names the role for STS_DENIED only if the server's own message does", () => {
    const message = "Cannot assume role arn:aws:iam::123456789012:role/path/eks-node-role: AccessDenied: no";
    const steps = (field: string, text = message) =>
      stepsAfterCode("STS_DENIED", { object: OBJECT, [field]: text }).join("\n");
    assert.match(steps("serverMessage"), /get-role --role-name eks-node-role /);
    assert.match(steps("message"), /get-role --role-name NAME /);
    assert.match(steps("serverMessage", message.slice(0, 55)), /get-role --role-name NAME /);
  });
});

suite("restartStep()", () => {
  const owned = (kind: string, name: string, labels = {}, controller = true) => ({
    metadata: { namespace: "shop", name: "web-0", labels, ownerReferences: [{ kind, name, controller }] },
  });
  for (const [what, pod, step] of [
    [
      "a pod of a Deployment",
      owned("ReplicaSet", "web-5d9f", { "pod-template-hash": "5d9f" }),
      "rollout restart deployment/web",
    ],
    ["a pod of a StatefulSet", owned("StatefulSet", "web"), "rollout restart statefulset/web"],
    ["a pod of a ReplicaSet alone", owned("ReplicaSet", "web"), "delete pod web-0  # its controller creates it again"],
    [
      "a pod whose owner is no controller",
      owned("StatefulSet", "web", {}, false),
      "delete pod web-0  # then apply its manifest again",
    ],
    [
      "a pod without a controller",
      { metadata: { namespace: "shop", name: "web-0" } },
      "delete pod web-0  # then apply its manifest again",
    ],
  ] as const) {
    test(`restarts ${what}`, () => assert.equal(restartStep(pod), `kubectl -n shop ${step}`));
  }
});

test("likelyWorkload() returns the Deployment of a ReplicaSet, and any other object as it is", () => {
  const named = (kind: string, name: string) => ({ ...OBJECT, kind, name });
  assert.deepEqual(likelyWorkload(named("replicaset", "web-5d9f8c7b64")), named("deployment", "web"));
  for (const other of [named("replicaset", "web-canary"), named("job", "web-5d9f8c7b64")]) {
    assert.deepEqual(likelyWorkload(other), other);
  }
});

suite("readCreationFailure()", () => {
  const DENIED = 'admission webhook "pods.podrole.io" denied the request: ROLE_FORBIDDEN: Cannot give role';
  for (const [by, message, step] of [
    ["podrole", DENIED, /kubectl -n shop edit pod\/orders/],
    ["unreachable webhook", 'failed calling webhook "pods.podrole.io": timeout', /podrole check --quiet/],
    ["quota", 'pods "x" is forbidden: exceeded quota: team, requested: cpu=1', /describe quota team/],
    ["other", 'admission webhook "other.example" denied the request: no', /describe pod\/orders/],
  ] as const) {
    test(`finds that the refusal is by: ${by}`, () => {
      assert.equal(readCreationFailure(message).by, by);
      assert.match(stepsAfterCreationFailure(message, OBJECT)[0] ?? "", step);
    });
  }

  test("blockedWorkloads() lists what podrole refused lately, and quotas only on request", () => {
    const now = Date.parse("2026-06-01T12:00:00Z");
    const eventOf = (name: string, message: string, minutes: number) => ({
      involvedObject: { kind: "ReplicaSet", namespace: "shop", name },
      message,
      lastTimestamp: new Date(now - minutes * 60_000).toISOString(),
    });
    const events = [
      eventOf("old-5d9f8c7b64", DENIED, 30),
      eventOf("web-5d9f8c7b64", DENIED, 5),
      eventOf("big-5d9f8c7b64", "exceeded quota: team", 1),
      eventOf("job-5d9f8c7b64", "no such ServiceAccount", 1),
    ];
    const namesOf = (withQuotas: boolean) =>
      blockedWorkloads(events, { now, withQuotas }).map(({ workload }) => workload);
    assert.deepEqual(namesOf(false), ["deployment/web"]);
    assert.deepEqual(namesOf(true), ["deployment/big", "deployment/web"]);
  });
});
