import assert from "node:assert/strict";
import { test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import { allContainers } from "../../src/injection/shape.ts";
import type { EnvVar, Pod } from "../../src/kubernetes/objects.ts";
import { type Operation, patchBetween, patchText } from "../../src/webhook/patch.ts";
import { arbitraryPlanSettings, injectablePods, injectedBy } from "../injection/pods.ts";
import { fc } from "../property.ts";
import { annotatedPod } from "./requests.ts";

test("patchBetween() leads to exactly the planned pod and replaces no list but one of variables, which keeps them all", () => {
  fc.assert(
    fc.property(injectablePods, arbitraryPlanSettings, (pod, how) => {
      const planned = injectedBy(pod, how);
      const patch = JSON.parse(patchText(patchBetween(pod, planned)) ?? "[]") as Operation[];
      assert.deepEqual(applyPatch(pod, patch), planned);
      for (const { path } of patch.filter(({ op, value }) => op === "replace" && typeof value !== "string")) {
        assert.match(path, /^\/spec\/(initContainers|containers)\/\d+\/env$/);
      }
      for (const { name, env } of allContainers(pod)) {
        const after = allContainers(planned).find((container) => container.name === name);
        const [given, kept] = [env, after?.env].map((list) => (list ?? []).map((each) => each.name));
        assert.deepEqual(kept?.slice(0, given?.length), given);
      }
    }),
    { numRuns: 300 },
  );
});

test("patchBetween() sends the variables of a container in one operation if it gets several", () => {
  const withVariables = (...names: string[]) => withEnv(names.map((name) => ({ name, value: "x" })));
  const path = "/spec/containers/0/env";
  const [added, all] = [{ name: "b", value: "x" }, withVariables("a", "b", "c").spec.containers[0]?.env];
  assert.deepEqual(patchBetween(withVariables("a"), withVariables("a", "b")), [
    { op: "add", path: `${path}/1`, value: added },
  ]);
  assert.deepEqual(patchBetween(withVariables("a"), withVariables("a", "b", "c")), [
    { op: "replace", path, value: all },
  ]);
  assert.throws(() => patchBetween(withVariables("x"), withVariables("a", "b", "c")), { code: "INTERNAL" });
});

test("patchBetween() throws INTERNAL when an element would be lost or moved", () => {
  const withContainers = (...names: string[]) => {
    const pod = annotatedPod();
    return { ...pod, spec: { ...pod.spec, containers: names.map((name) => ({ name })) } };
  };
  const pod = withContainers("a", "b");
  const withoutAnnotations = { ...pod, metadata: { generateName: "orders-" } };
  for (const after of [withContainers("b", "a"), withContainers("a"), withoutAnnotations]) {
    assert.throws(() => patchBetween(pod, after), { code: "INTERNAL" });
  }
});

for (const [what, long] of [
  ["values", { value: "x".repeat(5_000) }],
  ["sources", { valueFrom: { secretKeyRef: { name: "x".repeat(5_000), key: "x" } } }],
] as const) {
  test(`patchBetween() does not send the variables of a container again if they have long ${what}`, () => {
    const [given, b, c] = [{ name: "a", ...long }, { name: "b" }, { name: "c" }];
    assert.deepEqual(
      patchBetween(withEnv([given]), withEnv([given, b, c])),
      [b, c].map((value, index) => ({ op: "add", path: `/spec/containers/0/env/${index + 1}`, value })),
    );
  });
}

function withEnv(env: EnvVar[]): Pod {
  return { ...annotatedPod(), spec: { containers: [{ name: "app", env }] } };
}

for (const field of ["env", "volumeMounts"] as const) {
  test(`patchBetween() reads each element of ${field} a few times, also if elements have the names of podrole's containers`, () => {
    let reads = 0;
    const named = (name: string) => ({
      get name() {
        reads += 1;
        return name;
      },
      mountPath: "/x",
    });
    const elements = Array.from({ length: 400 }, (_, index) => named(index < 200 ? `x${index}` : "podrole-sidecar"));
    const pod = annotatedPod();
    const withList = (list: unknown) => ({ ...pod, spec: { containers: [{ name: "app", [field]: list }] } }) as Pod;
    const operations = patchBetween(withList(elements), withList([...elements, named("added")]));
    assert.equal(operations.length, 1);
    assert.ok(reads <= 50 * elements.length, `${reads} reads`);
  });
}
