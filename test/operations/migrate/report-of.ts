// The report about objects, as the operation makes it.
import assert from "node:assert/strict";
import type { KubernetesObject } from "../../../src/operations/manifests/objects.ts";
import { takeInventory } from "../../../src/operations/migrate/inventory.ts";
import { makeReport, type Report } from "../../../src/operations/migrate/report.ts";
import { kiamSource, kube2iamSource } from "../../../src/operations/migrate/source.ts";
import { targetSettings } from "../../../src/operations/migrate/target.ts";

/** `native`: the cluster has native sidecars. `env`: PODROLE_… variables. */
export function reportOf(
  from: "kiam" | "kube2iam",
  objects: readonly KubernetesObject[],
  native = true,
  env = {},
): Report {
  const source = from === "kiam" ? kiamSource(objects, undefined, undefined) : kube2iamSource(objects, undefined);
  const target = targetSettings(source.conversion, env, native);
  assert.ok(target.ok, JSON.stringify(target));
  const { predecessor, openMetadata } = source;
  return makeReport({ inventory: takeInventory(objects), predecessor, settings: target.settings, openMetadata });
}
