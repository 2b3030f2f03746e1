// What explain reads of a pod's surroundings besides its namespace and ServiceAccount.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { namespaceLimits } from "../../../src/injection/namespace-limits.ts";
import { barePod } from "../check/healthy.ts";
import { explained } from "./explained.ts";

suite("explainPod()", () => {
  test("LIMITS_CONFLICT: fits the sizes to the namespace's LimitRanges, also beside the defaults that they set", () => {
    const rangeWith = (...limits: readonly object[]) => {
      const range = { metadata: { name: "sizes" }, spec: { limits } };
      return { value: namespaceLimits([range], []) };
    };
    const small = { type: "Container", max: { memory: "32Mi" } };
    const { injected, now } = explained({ limits: rangeWith(small) });
    assert.deepEqual([injected, now.reason], [false, "LIMITS_CONFLICT"]);
    // The default of the app's container leaves podrole-sidecar 24Mi.
    const preset = { type: "Container", default: { memory: "100Mi" }, defaultRequest: { memory: "100Mi" } };
    const limits = rangeWith(preset, { type: "Pod", max: { memory: "124Mi" } });
    assert.match(explained({ limits }).now.message, /its other containers have 100Mi; expected at least 48Mi$/);
    assert.equal(explained({ limits, exists: true }).now.decision, "inject");
  });

  test("notes that it cannot tell whether sizes fit without the permission to list LimitRanges", () => {
    const limits = { unknown: "forbidden", needs: ["list on limitranges in namespace shop"] };
    const { injected, notes } = explained({ limits });
    assert.equal(injected, true);
    assert.deepEqual(notes, [
      "whether the namespace's LimitRanges and ResourceQuotas have room for podrole-sidecar: cannot tell: needs list on limitranges in namespace shop",
    ]);
    const unlabelled = explained({ limits, namespace: { metadata: { name: "shop" } } }).notes.join();
    assert.doesNotMatch(unlabelled, /LimitRanges/);
  });

  test("warns about keys in a ConfigMap that a container takes with envFrom, and about a Secret that is not read", () => {
    const pod = barePod();
    const [app] = pod.spec.containers;
    const envFrom = [{ configMapRef: { name: "settings" } }, { secretRef: { name: "keys" } }];
    const withEnv = { ...pod, spec: { ...pod.spec, containers: [{ name: "app", ...app, envFrom }] } };
    const envSources = new Map([["ConfigMap/settings", ["AWS_PROFILE"]]]);
    const { warnings } = explained({ pod: withEnv, envSources }).now;
    assert.ok(
      warnings.some((text) => text.includes("AWS_PROFILE (ConfigMap/settings)")),
      warnings.join("\n"),
    );
    assert.ok(
      warnings.some((text) => text.includes("envFrom of Secret/keys is not read")),
      warnings.join("\n"),
    );
  });
});
