// Properties of the files in manifests/base: settings exist, ports match, PodSecurity `restricted` admits the pods.
// What kustomize renders from them is tested on a real node (test/cluster/node).
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { POLICY_SETTINGS } from "../../src/policy/settings-table.ts";
import { envName, readSettings } from "../../src/runtime/settings.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { ROOT, readManifest, readText } from "../files.ts";

interface Manifest {
  readonly kind: string;
  readonly metadata?: { readonly name: string; readonly namespace?: string };
}

interface Deployment extends Manifest {
  readonly spec: { readonly replicas: number; readonly template: Pick<Pod, "metadata" | "spec"> };
}

interface Service extends Manifest {
  readonly spec: {
    readonly selector: Record<string, string>;
    readonly ports: { readonly port: number; readonly targetPort: string }[];
  };
}

interface Kustomization extends Manifest {
  readonly resources: string[];
  readonly configMapGenerator: { readonly name: string; readonly literals: string[] }[];
}

const [kustomization] = readManifest<Kustomization>("base/kustomization.yaml");
const objects = (kustomization?.resources ?? []).flatMap((file) => readManifest<Manifest>(`base/${file}`));
const deployments = objects.filter((object): object is Deployment => object.kind === "Deployment");
const services = objects.filter((object): object is Service => object.kind === "Service");

function onlyContainer({ spec }: Deployment): Container {
  const [container, ...others] = spec.template.spec.containers;
  assert.ok(container && others.length === 0);
  return container;
}

test("kustomization.yaml names every file beside it", () => {
  const files = readdirSync(join(ROOT, "manifests/base")).filter((file) => file !== "kustomization.yaml");
  assert.deepEqual(kustomization?.resources.toSorted(), files.toSorted());
});

for (const folder of ["base", "examples/install"]) {
  test(`policy settings of ${folder} are in podrole-common only, where both programs read them`, () => {
    const kustomizations = readManifest<Kustomization>(`${folder}/kustomization.yaml`);
    assert.equal(kustomizations.length, 1);
    const policy = new Set(Object.keys(POLICY_SETTINGS).map(envName));
    const misplaced = kustomizations
      .flatMap(({ configMapGenerator }) => configMapGenerator)
      .filter(({ name }) => name !== "podrole-common")
      .flatMap(({ literals }) => literals.map((literal) => literal.split("=", 1)[0] ?? ""))
      .filter((name) => policy.has(name));
    assert.deepEqual(misplaced, []);
  });
}

for (const [name, table] of [
  ["podrole-server", SERVER_SETTINGS],
  ["podrole-webhook", WEBHOOK_SETTINGS],
] as const) {
  test(`the settings of ${name} in the ConfigMaps exist`, () => {
    const maps = (kustomization?.configMapGenerator ?? []).filter((map) => ["podrole-common", name].includes(map.name));
    assert.equal(maps.length, 2);
    const env = Object.fromEntries(maps.flatMap(({ literals }) => literals.map((literal) => literal.split(/=(.*)/s))));
    const result = readSettings(table, {}, env as Record<string, string>);
    assert.deepEqual(result.ok ? [] : result.problems, []);
  });

  test(`Service ${name} targets ports of its Deployment`, () => {
    const deployment = deployments.find(({ metadata }) => metadata?.name === name);
    const service = services.find(({ metadata }) => metadata?.name === name);
    assert.ok(deployment && service);
    const ports =
      (onlyContainer(deployment) as unknown as { ports?: { name: string; containerPort: number }[] }).ports ?? [];
    for (const { targetPort } of service.spec.ports) assert.ok(ports.some((port) => port.name === targetPort));
    const labels = deployment.spec.template.metadata.labels ?? {};
    for (const [label, value] of Object.entries(service.spec.selector)) assert.equal(labels[label], value);
  });
}

test("the webhook's token is mounted at the path of its settings, with podrole's audience", () => {
  const webhook = deployments.find(({ metadata }) => metadata?.name === "podrole-webhook");
  assert.ok(webhook);
  const [mount] = onlyContainer(webhook).volumeMounts ?? [];
  assert.equal(`${mount?.mountPath}/token`, WEBHOOK_SETTINGS.proofFile.default);
  const volume = JSON.stringify(webhook.spec.template.spec.volumes?.find(({ name }) => name === mount?.name));
  assert.match(volume, new RegExp(`"audience":"${WEBHOOK_SETTINGS.audience.default}"`));
});

test("both programs have two unprivileged replicas and a PodDisruptionBudget", () => {
  assert.equal(deployments.length, 2);
  for (const deployment of deployments) {
    const { spec } = deployment.spec.template;
    assert.equal(deployment.spec.replicas, 2);
    const pod = spec as unknown as Record<string, unknown>;
    assert.deepEqual(
      [pod["enableServiceLinks"], pod["priorityClassName"], pod["automountServiceAccountToken"]],
      [false, "podrole", true],
    );
    assert.deepEqual(onlyContainer(deployment).securityContext, {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
    });
    const budget = objects.find(
      ({ kind, metadata }) => kind === "PodDisruptionBudget" && metadata?.name === deployment.metadata?.name,
    );
    assert.ok(budget);
  }
});

test("the default of the sidecar's command is the ENTRYPOINT of its image", () => {
  const dockerfile = readText("Dockerfile.sidecar");
  const entrypoint = JSON.parse(/^ENTRYPOINT (.*)$/m.exec(dockerfile)?.[1] ?? "[]") as string[];
  assert.equal(entrypoint.join(","), WEBHOOK_SETTINGS.sidecarCommand.default);
});
