// The report about objects, as the operation makes it.
import assert from "node:assert/strict";
import type { KubernetesObject } from "../../../src/operations/manifests/parse-objects.ts";
import { kiamInstallation } from "../../../src/operations/migrate/from-kiam/installation.ts";
import { kube2iamInstallation } from "../../../src/operations/migrate/from-kube2iam/installation.ts";
import { takeInventory } from "../../../src/operations/migrate/input/inventory.ts";
import { type MigrationReport, makeReport } from "../../../src/operations/migrate/report.ts";
import { podroleSettings } from "../../../src/operations/migrate/settings/podrole-settings.ts";

/** `native`: the cluster has native sidecars. `env`: PODROLE_… variables. */
export function reportOf(
  from: "kiam" | "kube2iam",
  objects: readonly KubernetesObject[],
  native = true,
  env = {},
): MigrationReport {
  const installation =
    from === "kiam" ? kiamInstallation(objects, undefined, undefined) : kube2iamInstallation(objects, undefined);
  const target = podroleSettings(installation.conversion, env, native);
  assert.ok(target.ok, JSON.stringify(target));
  const { predecessor, openMetadata } = installation;
  return makeReport({ inventory: takeInventory(objects), predecessor, settings: target.value, openMetadata });
}
