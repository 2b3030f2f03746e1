import assert from "node:assert/strict";
import { test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { arbitraryPlanSettings, injectablePods, injectedBy } from "../injection/pods.ts";
import { fc } from "../property.ts";
import { annotatedPod } from "./requests.ts";

test("patchBetween() leads to exactly the planned pod and replaces no list", () => {
  fc.assert(
    fc.property(injectablePods, arbitraryPlanSettings, (pod, how) => {
      const planned = injectedBy(pod, how);
      const patch = JSON.parse(JSON.stringify(patchBetween(pod, planned))) as { op: string; value: unknown }[];
      assert.deepEqual(applyPatch(pod, patch), planned);
      for (const { op, value } of patch) if (op === "replace") assert.equal(typeof value, "string");
    }),
    { numRuns: 300 },
  );
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
