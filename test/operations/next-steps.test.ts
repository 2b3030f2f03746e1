// The next command after each cause.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stepsAfterCode } from "../../src/operations/code-steps.ts";
import { readCreationFailure, stepsAfterCreationFailure } from "../../src/operations/creation-failure.ts";
import { commandsForAllStep, likelyWorkload, restartSteps } from "../../src/operations/next-steps.ts";
import { partsOfStep } from "../../src/operations/step-parts.ts";
import { ERRORS } from "../../src/protocol/errors.ts";

const OBJECT = { namespace: "shop", kind: "pod", name: "orders" };

suite("stepsAfterCode()", () => {
  test("has a step for every error code, and for one of a newer version", () => {
    for (const code of [...Object.keys(ERRORS), "OF_TOMORROW"]) {
      const [first = ""] = stepsAfterCode(code, { object: OBJECT, restart: restartSteps({ metadata: {} }) });
      assert.match(first, /^(kubectl|podrole|aws) /, code);
    }
  });

  test("quotes names for the shell", () => {
    const [first] = stepsAfterCode("ROLE_MISSING", { object: { ...OBJECT, name: "a; b" } });
    assert.match(
      first ?? "",
      /^kubectl -n shop annotate 'pod\/a; b' iam\.amazonaws\.com\/role=ROLE --overwrite {2}# ROLE: /,
    );
  });
});

const RECREATE = [
  "kubectl -n shop get pod/web-0 -o yaml > web-0.yaml",
  "kubectl -n shop replace --force -f web-0.yaml",
];

suite("restartSteps()", () => {
  const owned = (kind: string, name: string, labels = {}, controller = true) => ({
    metadata: { namespace: "shop", name: "web-0", labels, ownerReferences: [{ kind, name, controller }] },
  });
  for (const [what, pod, step] of [
    [
      "a pod of a Deployment",
      owned("ReplicaSet", "web-5d9f", { "pod-template-hash": "5d9f" }),
      ["kubectl -n shop rollout restart deployment/web"],
    ],
    ["a pod of a StatefulSet", owned("StatefulSet", "web"), ["kubectl -n shop rollout restart statefulset/web"]],
    ["a pod of a ReplicaSet alone", owned("ReplicaSet", "web"), ["kubectl -n shop delete pod/web-0"]],
    ["a pod whose owner is no controller", owned("StatefulSet", "web", {}, false), RECREATE],
    ["a pod without a controller", { metadata: { namespace: "shop", name: "web-0" } }, RECREATE],
  ] as const) {
    test(`restarts ${what}, and says what each command does`, () => {
      const steps = restartSteps(pod, "only now").map(partsOfStep);
      assert.deepEqual(
        steps.map(({ command }) => command),
        step,
      );
      for (const { purpose } of steps) assert.match(purpose, /^only now, \w+/);
    });
  }
});

suite("partsOfStep()", () => {
  for (const [what, step, parts] of [
    ["a command alone", "kubectl get pods", ["kubectl get pods", ""]],
    ["a command with its purpose", "kubectl get pods  # shows them", ["kubectl get pods", "shows them"]],
    ["an argument that has the mark", "kubectl annotate pod x 'a=b  # c'", ["kubectl annotate pod x 'a=b  # c'", ""]],
    ["both", "kubectl annotate pod x 'a=b  # c'  # sets a", ["kubectl annotate pod x 'a=b  # c'", "sets a"]],
  ] as const) {
    test(`splits ${what}`, () => {
      const { command, purpose } = partsOfStep(step);
      assert.deepEqual([command, purpose], parts);
    });
  }
});

test("commandsForAllStep() reads one namespace or all of them", () => {
  assert.match(commandsForAllStep(".a"), /^podrole status -A -o json \| jq -r '.*select\(\.a\).*' {2}# /);
  assert.match(commandsForAllStep(".a", "shop"), /^podrole status -n shop -o json /);
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
    ["podrole", DENIED, /kubectl -n shop edit pod\/orders {2}# name a permitted role/],
    ["unreachable webhook", 'failed calling webhook "pods.podrole.io": timeout', /podrole check --quiet/],
    [
      "admission policy",
      "denied request: the pod names a role in its annotations and has no podrole-sidecar: x",
      /podrole check --quiet/,
    ],
    ["quota", 'pods "x" is forbidden: exceeded quota: team, requested: cpu=1', /describe quota\/team/],
    ["other", 'admission webhook "other.example" denied the request: no', /describe pod\/orders/],
  ] as const) {
    test(`finds that the refusal is by: ${by}`, () => {
      assert.equal(readCreationFailure(message).by, by);
      assert.match(stepsAfterCreationFailure(message, { object: OBJECT })[0] ?? "", step);
    });
  }
});
