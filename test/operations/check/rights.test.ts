import assert from "node:assert/strict";
import { test } from "node:test";
import { neededRights } from "../../../src/operations/check/rights.ts";
import { readManifest } from "../../files.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

test("neededRights() returns exactly what manifests/base/rbac.yaml grants", () => {
  const objects = readManifest<{ kind: string; metadata: { name: string }; rules?: readonly Rule[] }>("base/rbac.yaml");
  const granted = objects.flatMap(({ kind, metadata, rules = [] }) =>
    rules.flatMap(({ apiGroups, resources, resourceNames = [""], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          resourceNames.flatMap((name) =>
            verbs.map((verb) =>
              [metadata.name, kind === "Role" ? "podrole" : "", group, resource, name, verb].join(" "),
            ),
          ),
        ),
      ),
    ),
  );
  const names = { namespace: "podrole", caSecret: "podrole-ca", trustConfigMap: "podrole-trust" };
  const needed = neededRights({ ...names, webhookConfiguration: "podrole" }).map(
    ({ who, namespace = "", group, resource, name = "", verb }) =>
      [`podrole-${who}`, namespace, group, resource, name, verb].join(" "),
  );
  assert.deepEqual(needed.toSorted(), granted.toSorted());
});
