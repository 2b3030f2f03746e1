import assert from "node:assert/strict";
import { test } from "node:test";
import { podFacts, serviceAccountOf } from "../../src/policy/facts.ts";

for (const [spec, expected] of [
  [{ serviceAccountName: "web" }, "web"],
  [{ serviceAccountName: "" }, "default"],
  [{}, "default"],
  [undefined, "default"],
] as const) {
  test(`serviceAccountOf() returns "${expected}" for ${JSON.stringify(spec) ?? "no spec"}`, () => {
    assert.equal(serviceAccountOf(spec), expected);
  });
}

test("podFacts() lists init containers and containers, without podrole's own", () => {
  const pod = {
    metadata: { name: "web", uid: "u-1" },
    spec: {
      initContainers: [{ name: "podrole-init" }, { name: "podrole-sidecar" }, { name: "setup" }],
      containers: [{ name: "app" }, { name: "podrole-other" }],
    },
  };
  const { namespace, serviceAccount, containers } = podFacts(pod, "shop");
  assert.deepEqual([namespace, serviceAccount, containers], ["shop", "default", ["setup", "app", "podrole-other"]]);
});
