// Pods that cost a decision more than their size: each of these once took minutes, so a slow decision fails by the
// timeout.
import assert from "node:assert/strict";
import { test } from "node:test";
import { findForeignPart } from "../../src/injection/parts.ts";
import { plan } from "../../src/injection/plan.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop } from "./pods.ts";

test("findForeignPart() reads the name of a long image once", () => {
  const image = `${"a".repeat(2_000_000)}/`;
  const mounts = [
    ["podrole-proof", "/var/run/podrole/proof"],
    ["podrole-identity", "/var/run/podrole/identity"],
    ["podrole-tokens", "/var/run/podrole/tokens"],
  ];
  const volumeMounts = mounts.map(([name = "", mountPath = ""]) => ({ name, mountPath }));
  const sidecar = { name: "podrole-sidecar", image, args: ["serve"], volumeMounts };
  const pod: Pod = { metadata: {}, spec: { containers: [sidecar] } };
  assert.match(
    findForeignPart(pod, "registry.example/podrole-sidecar:1") ?? "",
    /^container "podrole-sidecar" runs the image/,
  );
});

for (const [image, isOurs] of [
  ["mirror.example:5000/team/podrole-sidecar:2@sha256:00", true],
  ["podrole-sidecar", true],
  ["podrole-sidecar@sha256:00", true],
  ["podrole-sidecar/", false],
  ["registry.example/podrole-sidecar-2", false],
  ["registry.example/podrole-sidecar:1/other", false],
] as const) {
  test(`findForeignPart() ${isOurs ? "accepts" : "refuses"} the image ${image}`, () => {
    const mounts = { "podrole-proof": "proof", "podrole-identity": "identity", "podrole-tokens": "tokens" };
    const volumeMounts = Object.entries(mounts).map(([name, path]) => ({
      name,
      mountPath: `/var/run/podrole/${path}`,
    }));
    const sidecar = { name: "podrole-sidecar", image, args: ["serve"], volumeMounts };
    const state = findForeignPart(
      { metadata: {}, spec: { containers: [sidecar] } },
      "registry.example/podrole-sidecar:1",
    );
    assert.equal(state === undefined, isOurs, `${state}`);
  });
}

test("plan() reads podrole.io/containers once for all containers of a mesh", () => {
  const initContainers = Array.from({ length: 900 }, () => ({ name: "istio-init" }));
  const annotations = { "iam.amazonaws.com/role": "shop-a", "podrole.io/containers": ",".repeat(2_000_000) };
  const pod: Pod = { metadata: { name: "app", annotations }, spec: { containers: [{ name: "app" }], initContainers } };
  assert.notEqual(plan(inShop(pod), PLAN_SETTINGS).decision, "inject");
});
