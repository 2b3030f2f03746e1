import assert from "node:assert/strict";
import { test } from "node:test";
import { decideRoles, type PodFacts } from "../../src/policy/decide.ts";
import { compactFacts, podFacts, serviceAccountOf } from "../../src/policy/facts.ts";
import { inherited, PERMITTED_ANNOTATION, podFactsWith, policySettingsWith, ROLE_ANNOTATION } from "./facts.ts";

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

const LARGE: readonly { readonly what: string; readonly annotations: Record<string, string> }[] = [
  {
    what: "a foreign annotation of 250 KB",
    annotations: { [ROLE_ANNOTATION]: "a", "example.com/note": "x".repeat(250_000) },
  },
  { what: "a role of 250 KB", annotations: { [ROLE_ANNOTATION]: "x".repeat(250_000) } },
  {
    what: "250 KB in roles of containers",
    annotations: Object.fromEntries(
      Array.from({ length: 250 }, (_, index) => [`${ROLE_ANNOTATION}.c${index}`, "x".repeat(1_000)] as const),
    ),
  },
];

for (const { what, annotations } of LARGE) {
  test(`compactFacts() keeps at most 64 KiB of a pod with ${what}, on which the decision is the same`, () => {
    const labels = { team: "shop", ...Object.fromEntries(Array.from({ length: 5_000 }, (_, i) => [`l${i}`, "x"])) };
    const facts = podFactsWith(annotations, {
      labels,
      containers: Array.from({ length: 250 }, (_, index) => `c${index}`),
    });
    const kept = compactFacts(
      { ...facts, containers: facts.containers.slice(0, 100) },
      { sessionTagLabels: ["team", "absent"] },
    );
    assert.ok(JSON.stringify(kept).length <= 64 * 1024, `${JSON.stringify(kept).length} bytes`);
    assert.deepEqual(kept.labels, { team: "shop" });
    const decide = (of: PodFacts) => decideRoles(of, inherited({ [PERMITTED_ANNOTATION]: ".*" }), policySettingsWith());
    assert.deepEqual(decide(kept), decide({ ...facts, containers: kept.containers }));
  });
}

test("compactFacts() keeps the pin of a pod only if pins count, and none that is longer than the webhook writes", () => {
  const pinOf = (value: string) => {
    const sidecar = { name: "podrole-sidecar", env: [{ name: "PODROLE_PINNED_ROLES", value }] };
    const facts = podFacts({ metadata: {}, spec: { containers: [sidecar] } }, "shop");
    return [compactFacts(facts, { pinRoles: true }).pin, compactFacts(facts, {}).pin];
  };
  assert.deepEqual(pinOf("{}"), ["{}", undefined]);
  assert.deepEqual(pinOf("x".repeat(32 * 1024 + 1)), [undefined, undefined]);
});

test("compactFacts() keeps the names of at most 1000 containers", () => {
  const containers = Array.from({ length: 20_000 }, (_, index) => `c${index}`);
  assert.equal(compactFacts(podFactsWith({}, { containers }), {}).containers.length, 1_000);
});
