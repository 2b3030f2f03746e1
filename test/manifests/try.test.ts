// Properties of the files in manifests/overlays/try that need no kustomize. test/cluster/chart tests what kustomize
// renders from them.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { TRY_ROLE_ARNS } from "../../emulators/try/sts.ts";
import type { Namespace, Pod } from "../../src/kubernetes/objects.ts";
import { ANNOTATIONS, LABELS, optsIn } from "../../src/policy/annotations.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { crossCheckServer, crossCheckWebhook } from "../../src/settings/cross-check.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { readManifest } from "../files.ts";

interface Kustomization {
  readonly labels?: readonly { readonly pairs: Readonly<Record<string, string>> }[];
  readonly configMapGenerator: readonly { readonly name: string; readonly literals: readonly string[] }[];
}

const [installation] = readManifest<Kustomization>("overlays/try/installation/kustomization.yaml");
const [namespace, ...apps] = readManifest<{ kind: string; metadata: { name: string }; spec: { template: Pod } }>(
  "overlays/try/app.yaml",
);

function environmentOf(program: string): Record<string, string> {
  const maps = installation?.configMapGenerator.filter(({ name }) => ["podrole-common", program].includes(name)) ?? [];
  assert.equal(maps.length, 2);
  return Object.fromEntries(maps.flatMap(({ literals }) => literals.map((literal) => literal.split(/=(.*)/s))));
}

suite("manifests/overlays/try", () => {
  test("has settings with which the programs start", () => {
    const server = readSettings(SERVER_SETTINGS, {}, environmentOf("podrole-server"));
    const webhook = readSettings(WEBHOOK_SETTINGS, {}, environmentOf("podrole-webhook"));
    assert.ok(server.ok && webhook.ok);
    assert.deepEqual([...crossCheckServer(server.value), ...crossCheckWebhook(webhook.value)], []);
  });

  test("has two apps with roles that the emulated STS trusts the server with; the namespace permits one of them", () => {
    const roles = apps.map(({ metadata, spec }) => [
      metadata.name,
      spec.template.metadata.annotations?.[ANNOTATIONS.role],
    ]);
    assert.deepEqual(roles, [
      ["permitted", TRY_ROLE_ARNS[0]],
      ["refused", TRY_ROLE_ARNS[1]],
    ]);
    const { metadata } = namespace as unknown as Namespace;
    assert.ok(optsIn(metadata.labels));
    assert.equal(metadata.annotations?.[ANNOTATIONS.permitted], TRY_ROLE_ARNS[0]);
  });

  test("labels every object with podrole.io/try", () => {
    const [overlay] = readManifest<Kustomization>("overlays/try/kustomization.yaml");
    assert.deepEqual(
      overlay?.labels?.map(({ pairs }) => pairs),
      [{ [LABELS.tried]: "true" }],
    );
  });
});
