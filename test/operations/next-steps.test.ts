// The next command after each cause.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { stepsAfterCode } from "../../src/operations/code-steps.ts";
import { readCreationFailure, stepsAfterCreationFailure } from "../../src/operations/creation-failure.ts";
import { commandsForAllStep, likelyWorkload, restartSteps } from "../../src/operations/next-steps.ts";
import { partsOfStep } from "../../src/operations/step-parts.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import { POLICY_REFUSAL, QUOTA_MESSAGE } from "../cli/commands/situation-parts.ts";

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
  "kubectl -n shop get pod/web-0 -o yaml > shop.web-0.yaml",
  "kubectl -n shop replace --force -f shop.web-0.yaml",
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

const FORBIDDEN = 'pods "orders-5d9f8c7b64-x7x2p" is forbidden: ';

suite("readCreationFailure()", () => {
  const DENIED = 'admission webhook "pods.podrole.io" denied the request: ROLE_FORBIDDEN: Cannot give role';
  const UNREACHABLE =
    'Internal error occurred: failed calling webhook "pods.podrole.io": failed to call webhook: Post "https://podrole-webhook.podrole.svc:443/mutate?timeout=5s": context deadline exceeded';
  for (const [by, message, step] of [
    ["podrole", DENIED, /kubectl -n shop edit pod\/orders {2}# name a permitted role/],
    ["unreachable webhook", UNREACHABLE, /podrole check --quiet/],
    ["admission policy", POLICY_REFUSAL, /podrole check --quiet/],
    ["quota", QUOTA_MESSAGE, /describe quota\/team/],
    ["other", 'admission webhook "other.example" denied the request: no', /describe pod\/orders/],
  ] as const) {
    test(`finds that the refusal is by: ${by}`, () => {
      assert.equal(readCreationFailure(message).by, by);
      assert.match(stepsAfterCreationFailure(message, { object: OBJECT })[0] ?? "", step);
    });

    test(`reads from an Event of a controller that the refusal is by: ${by}`, () => {
      for (const prefix of ["Error creating: ", "create Pod web-0 in StatefulSet web failed error: "]) {
        assert.equal(readCreationFailure(prefix + message).by, by);
      }
    });

    test(`takes a name that quotes the message for no refusal by: ${by}`, () => {
      const name = `x" ${message.replace(FORBIDDEN, "")}`;
      const quoting = `volume with secret.secretName="${name}" is not allowed because service account default does not reference that secret`;
      assert.equal(readCreationFailure(`Error creating: ${FORBIDDEN}${quoting}`).by, "other");
      assert.equal(readCreationFailure(`admission webhook "other.example" denied the request: ${name}`).by, "other");
    });
  }
});
