// Copies of an injected pod as `kubectl debug --copy-to` makes them: each starts, with podrole or without it.
// (https://kubernetes.io/docs/tasks/debug/debug-application/debug-running-pod/#debugging-using-a-copy-of-the-pod)
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import { plan } from "../../src/injection/plan.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { removalPatch } from "../../src/webhook/patch.ts";
import { injectedPod, podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const ROLE = { "iam.amazonaws.com/role": "shop-a" };
const DEBUGGER = { name: "debugger", image: "busybox", stdin: true, tty: true };

interface Kept {
  readonly annotations?: boolean;
  readonly labels?: boolean;
  readonly initContainers?: boolean;
}

/** What kubectl keeps of a pod, by the flags --keep-annotations, --keep-labels and --keep-init-containers. */
function copyOf({ metadata, spec }: Pod, { annotations, labels, initContainers = true }: Kept): Pod {
  const { initContainers: inits, ...rest } = spec;
  return {
    metadata: {
      name: "copy",
      namespace: "shop",
      ...(annotations && metadata.annotations && { annotations: metadata.annotations }),
      ...(labels && metadata.labels && { labels: metadata.labels }),
    },
    spec: {
      ...rest,
      ...(initContainers && inits && { initContainers: inits }),
      containers: [...rest.containers.map(({ livenessProbe: _probe, ...container }) => container), DEBUGGER],
    },
  };
}

const EVERY_FORM: readonly Kept[] = [true, false].flatMap((annotations) =>
  [true, false].flatMap((labels) => [true, false].map((initContainers) => ({ annotations, labels, initContainers }))),
);

for (const mode of ["native", "classic"] as const) {
  suite(`plan() of a debug copy, mode ${mode},`, () => {
    const original = injectedPod({ name: "web", namespace: "shop", annotations: ROLE }, { mode });
    const settings = { ...PLAN_SETTINGS, nativeSidecar: mode === "native" };

    for (const kept of EVERY_FORM) {
      const copy = copyOf(original, kept);
      const what = JSON.stringify(kept);
      const hasRole = kept.annotations === true;

      test(`${hasRole ? "serves the copy" : "takes podrole out of it"} with ${what}`, () => {
        const made = plan(inShop(copy), settings);
        if (hasRole) {
          const pod = podIn(made);
          const own = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].map(({ name }) => name);
          assert.ok(own.includes("podrole-sidecar"), own.join());
          const debuggers = pod.spec.containers.find(({ name }) => name === "debugger")?.env ?? [];
          assert.ok(debuggers.some(({ name }) => name === "AWS_CONTAINER_CREDENTIALS_FULL_URI"));
          assert.equal(plan(inShop(pod), settings).reason, "ALREADY_INJECTED");
          return;
        }
        assert.deepEqual([made.decision, made.reason], ["skip", "NO_ROLE"]);
        assert.ok(made.decision === "skip" && made.pod);
        assert.deepEqual(made.pod.spec, { containers: [{ name: "app", image: "shop/app:1" }, DEBUGGER] });
        assert.doesNotMatch(JSON.stringify(made.pod), /podrole/);
        assert.deepEqual(applyPatch(copy, [...removalPatch(copy, made.pod)]), made.pod);
        assert.deepEqual(
          made.warnings.map(({ code }) => code),
          ["LEFTOVERS_REMOVED"],
        );
        assert.deepEqual(plan(inShop(made.pod), settings).warnings, [], "nothing is left");
      });

      test(`serves the copy whose ServiceAccount names the role, with ${what}`, () => {
        const made = plan({ ...inShop(copy), serviceAccountAnnotations: ROLE }, settings);
        assert.equal(made.decision, "inject", made.message);
      });
    }
  });
}

for (const [reason, skip] of [
  ["INJECTION_DISABLED", ({ metadata }: Pod) => (metadata.annotations = { ...ROLE, "podrole.io/inject": "disabled" })],
  ["HOST_NETWORK", ({ spec }: Pod) => (spec.hostNetwork = true)],
  ["WINDOWS", ({ spec }: Pod) => (spec["os"] = { name: "windows" })],
] as const) {
  test(`plan() takes copied parts out of a pod that it skips with ${reason}`, () => {
    const copy = copyOf(injectedPod(), { annotations: true, labels: true });
    skip(copy);
    const made = plan(inShop(copy), PLAN_SETTINGS);
    assert.ok(made.decision === "skip" && made.pod, made.message);
    assert.equal(made.reason, reason);
    assert.doesNotMatch(JSON.stringify(made.pod.spec), /podrole/);
    assert.deepEqual(applyPatch(copy, [...removalPatch(copy, made.pod)]), made.pod);
    const { text } = made.warnings.find(({ code }) => code === "LEFTOVERS_REMOVED") ?? {};
    assert.match(text ?? "", new RegExp(`podrole does not inject it \\(${reason}\\)`));
  });
}

test("plan() leaves a pod without a role alone whose author has a container with podrole's name", () => {
  const pod: Pod = { metadata: {}, spec: { containers: [{ name: "podrole-sidecar", image: "mine" }] } };
  const made = plan(inShop(pod), PLAN_SETTINGS);
  assert.deepEqual([made.reason, made.decision === "skip" && made.pod], ["NO_ROLE", undefined]);
});

test("removalPatch() takes podrole's pull secrets out of a debug copy, and leaves the pod's own", () => {
  const settings = { ...PLAN_SETTINGS, pullSecrets: ["mirror"] };
  for (const own of [[], [{ name: "team" }]]) {
    const spec = { containers: [{ name: "app", image: "app:1" }], ...(own.length > 0 && { imagePullSecrets: own }) };
    const original = podIn(
      plan(inShop({ metadata: { name: "web", namespace: "shop", annotations: ROLE }, spec }), settings),
    );
    const copy = copyOf(original, {});
    const made = plan(inShop(copy), settings);
    assert.ok(made.decision === "skip" && made.pod, made.message);
    const after = applyPatch(copy, [...removalPatch(copy, made.pod)]);
    assert.deepEqual(after.spec["imagePullSecrets"] ?? [], own);
  }
});
