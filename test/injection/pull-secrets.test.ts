// Pull secrets for the sidecar's image, in pods with and without their own.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { plan } from "../../src/injection/plan.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

const podWith = (names: readonly string[] | undefined): Pod => ({
  metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
  spec: { containers: [{ name: "app" }], ...(names && { imagePullSecrets: names.map((name) => ({ name })) }) },
});

suite("withPullSecrets()", () => {
  for (const [settings, own, expected] of [
    [[], undefined, undefined],
    [[], ["shop"], ["shop"]],
    [["mirror"], undefined, ["mirror"]],
    [["mirror", "other"], ["shop"], ["shop", "mirror", "other"]],
    [["mirror"], ["mirror", "shop"], ["mirror", "shop"]],
  ] as const) {
    test(`makes ${String(expected)} of ${String(own)} with ${String(settings)}, and uninject() restores it`, () => {
      const pod = podWith(own);
      const how = { ...PLAN_SETTINGS, pullSecrets: settings };
      const injected = podIn(plan(inShop(pod), how));
      assert.deepEqual(
        injected.spec["imagePullSecrets"],
        expected?.map((name) => ({ name })),
      );
      assert.ok(patchBetween(pod, injected).length > 0);
      assert.equal(plan(inShop(injected), how).reason, "ALREADY_INJECTED");
      assert.deepEqual(uninject(injected, { region: how.region, pullSecrets: settings }).spec, pod.spec);
    });
  }
});

test("plan() refuses a pod whose pull secrets are no list", () => {
  const pod = podWith(undefined);
  const broken = { ...pod, spec: { ...pod.spec, imagePullSecrets: "mirror" } };
  const { reason, message } = plan(inShop(broken), PLAN_SETTINGS);
  assert.equal(reason, "REQUEST_INVALID");
  assert.equal(message, "Cannot read the pod: spec.imagePullSecrets is a string; expected a list");
});
