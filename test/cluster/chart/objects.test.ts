// Compares the objects of the chart with those of the kustomize manifests; needs no cluster.
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  ALWAYS,
  API_SERVER_KNOWN,
  API_SERVER_UNKNOWN,
  type ConnectionRow,
  findDisagreements,
  INSTANCE_METADATA,
} from "../../manifests/network-policies.ts";
import { isAllowed, type NetworkPolicy } from "../../manifests/network-policy.ts";
import { comparableObjects, DIFFERENCES } from "./differences.ts";
import { helmTemplate, renderKustomization } from "./tools.ts";

const ADDRESSES = { networkPolicy: { apiServerCidrs: ["192.0.2.0/24"] } };

const CERTIFICATE = {
  webhook: {
    settings: { apiServerCa: "/etc/podrole/api-server/ca.crt", apiServerName: "kube-apiserver" },
    extraVolumes: [{ name: "api-server-ca", configMap: { name: "podrole-api-server-ca" } }],
    extraVolumeMounts: [{ name: "api-server-ca", mountPath: "/etc/podrole/api-server", readOnly: true }],
  },
};

/** A kustomize folder with components, and the chart values and the namespace that must render the same objects. */
const PAIRS: readonly (readonly [folder: string, components: readonly string[], values: object, namespace?: string])[] =
  [
    ["base", [], {}],
    ["overlays/ha", [], { ha: { enabled: true } }],
    ["overlays/openshift", [], { openshift: { enabled: true } }],
    ["overlays/own-ca", [], { ca: { source: "secret" } }],
    ["overlays/cert-manager", [], { ca: { source: "certManager" } }],
    ["overlays/try", [], { try: { enabled: true } }, "podrole-try"],
    ["base", ["annotated-pods-only"], { webhook: { annotatedPodsOnly: true } }],
    ["base", ["without-admission-policy"], { admissionPolicy: { enabled: false } }],
    ["base", ["pod-certificates"], { podCertificates: { enabled: true } }],
    ["base", ["pod-certificates", "pod-certificates-auto"], { podCertificates: { enabled: true, auto: true } }],
    ["base", ["api-server-addresses"], ADDRESSES],
    ["base", ["api-server-certificate"], CERTIFICATE],
    ["overlays/ha", ["annotated-pods-only"], { ha: { enabled: true }, webhook: { annotatedPodsOnly: true } }],
  ];

for (const [folder, components, values, namespace] of PAIRS) {
  test(`helm template with ${JSON.stringify(values)} equals kustomize of ${[folder, ...components].join(" + ")}`, () => {
    const [fromHelm, fromKustomize] = [
      comparableObjects(helmTemplate(values, namespace)),
      comparableObjects(renderKustomization(folder, components)),
    ];
    assert.deepEqual([...fromHelm.keys()], [...fromKustomize.keys()]);
    for (const [key, object] of fromKustomize) assert.deepEqual(fromHelm.get(key), object, key);
  });
}

const BASE = { folder: "base", values: {}, namespace: "podrole" };

for (const { what, why, where: { folder, values, namespace } = BASE } of DIFFERENCES) {
  test(`the chart differs from the manifests in ${what}: ${why}`, () => {
    const others = DIFFERENCES.filter((difference) => difference.what !== what);
    const fromHelm = comparableObjects(helmTemplate(values, namespace), others);
    const fromKustomize = comparableObjects(renderKustomization(folder), others);
    assert.notDeepEqual([...fromHelm.values()], [...fromKustomize.values()]);
  });
}

const POLICIES: readonly (readonly [what: string, values: object, rows: readonly ConnectionRow[]])[] = [
  ["with the default values", {}, [...ALWAYS, ...INSTANCE_METADATA(true), ...API_SERVER_UNKNOWN]],
  ["with the API server's addresses", ADDRESSES, [...ALWAYS, ...INSTANCE_METADATA(true), ...API_SERVER_KNOWN]],
  [
    "without instance metadata",
    { networkPolicy: { instanceMetadata: false } },
    [...ALWAYS, ...INSTANCE_METADATA(false), ...API_SERVER_UNKNOWN],
  ],
];

for (const [what, values, rows] of POLICIES) {
  test(`the chart's network policies allow the required connections ${what}, and no others`, () => {
    const policies = helmTemplate(values).filter(({ kind }) => kind === "NetworkPolicy") as unknown as NetworkPolicy[];
    assert.equal(policies.length, 2);
    assert.deepEqual(
      findDisagreements(rows, (connection) => isAllowed(policies, connection)),
      [],
    );
  });
}

test("the chart has no network policies if they are disabled", () => {
  const objects = helmTemplate({ networkPolicy: { enabled: false } });
  assert.ok(objects.every(({ kind }) => kind !== "NetworkPolicy"));
});
