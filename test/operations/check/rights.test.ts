import assert from "node:assert/strict";
import { test } from "node:test";
import { installersRights, neededRights } from "../../../src/operations/check/rights.ts";
import { readManifest } from "../../files.ts";

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

/** Every right that the roles of a file grant, in words. */
function grantedBy(file: string, who?: string): readonly string[] {
  const objects = readManifest<{ kind: string; metadata: { name: string }; rules?: readonly Rule[] }>(file);
  return objects.flatMap(({ kind, metadata, rules = [] }) =>
    rules.flatMap(({ apiGroups, resources, resourceNames = [""], verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) =>
          resourceNames.flatMap((name) =>
            verbs.map((verb) =>
              [who ?? metadata.name, kind === "Role" ? "podrole" : "", group, resource, name, verb].join(" "),
            ),
          ),
        ),
      ),
    ),
  );
}

const namedRights = (podCertificates: "auto" | "on" | "off") => {
  const configMaps = { trustConfigMap: "podrole-trust", refusalsConfigMap: "podrole-refusals" };
  const names = { namespace: "podrole", caSecret: "podrole-ca", ...configMaps };
  return neededRights({ ...names, webhookConfiguration: "podrole", podCertificates }).map(
    ({ who, namespace = "", group, resource, name = "", verb }) =>
      [`podrole-${who}`, namespace, group, resource, name, verb].join(" "),
  );
};

test("neededRights() returns exactly what manifests/base/rbac.yaml grants", () => {
  assert.deepEqual(namedRights("off").toSorted(), grantedBy("base/rbac.yaml").toSorted());
});

test("neededRights() adds what the component for pod certificates grants, if the server signs them", () => {
  const added = namedRights("on").filter((right) => !namedRights("off").includes(right));
  const granted = grantedBy("components/pod-certificates/objects.yaml", "podrole-server");
  assert.deepEqual(added.toSorted(), granted.toSorted());
});

test("neededRights() adds what the component for auto grants, if the server looks at the cluster", () => {
  const added = namedRights("auto").filter((right) => !namedRights("on").includes(right));
  const granted = grantedBy("components/pod-certificates-auto/objects.yaml", "podrole-server");
  assert.deepEqual(added, granted);
});

interface BaseObject {
  readonly apiVersion: string;
  readonly kind: string;
}

/** Kubernetes' plural of a kind, in lower case. */
const pluralOf = (kind: string) => kind.toLowerCase().replace(/s$/, "se").replace(/y$/, "ie").concat("s");

test("installersRights() contains the creation of every object of manifests/base", () => {
  const [kustomization] = readManifest<{ readonly resources: readonly string[] }>("base/kustomization.yaml");
  const objects = (kustomization?.resources ?? []).flatMap((file) => readManifest<BaseObject>(`base/${file}`));
  assert.ok(objects.length > 20);
  const rights = new Set(
    installersRights("podrole").map(({ group, resource, verb }) => `${verb} ${resource}.${group}`),
  );
  const missing = objects
    .map(
      ({ apiVersion, kind }) => `create ${pluralOf(kind)}.${apiVersion.includes("/") ? apiVersion.split("/")[0] : ""}`,
    )
    .filter((right) => !rights.has(right));
  assert.deepEqual(missing, []);
});
