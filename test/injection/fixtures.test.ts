// Every folder of test/fixtures/pods is a case: from pod.yaml, plan() must make plan.yaml, expected-pod.yaml and
// patch.json. namespace.yaml, service-account.yaml and settings.yaml change its context. UPDATE=1 rewrites the results.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { apply_patch as applyPatch } from "jsonpatch";
import { parse, stringify } from "yaml";
import { type PlanInput, type PlanSettings, plan } from "../../src/injection/plan.ts";
import type { Namespace, Pod, ServiceAccount } from "../../src/kubernetes/objects.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/pods/", import.meta.url));
const UPDATE = process.env["UPDATE"] === "1";

for (const entry of readdirSync(FOLDER, { withFileTypes: true }).filter((each) => each.isDirectory())) {
  test(`plan() makes of fixtures/pods/${entry.name} what it expects`, () => {
    const { input, settings } = readCase(entry.name);
    const before = structuredClone(input);
    const made = plan(input, settings);
    const { decision, reason, warnings, roles } = made;
    assert.deepEqual(input, before, "the input must not change");
    for (const { text } of warnings) assert.ok(text.length <= 160, `too long a warning: ${text}`);

    const granted = roles.map((role) => ({
      container: role.container,
      origin: role.origin,
      role: role.role?.arn ?? role.asked,
    }));
    matches(join(entry.name, "plan.yaml"), yaml({ decision, reason, warnings, roles: granted }));
    if (decision !== "inject") {
      for (const name of ["expected-pod.yaml", "patch.json"]) absent(join(entry.name, name));
      return;
    }
    const given = input.pod as Pod;
    const patch = patchBetween(given, made.pod);
    matches(join(entry.name, "expected-pod.yaml"), yaml(made.pod));
    matches(join(entry.name, "patch.json"), `[\n${patch.map((each) => `  ${JSON.stringify(each)}`).join(",\n")}\n]\n`);
    assert.deepEqual(applyPatch(given, [...patch]), made.pod);

    const again = plan({ ...input, pod: made.pod }, settings);
    assert.deepEqual(podIn(again), made.pod, "a second call must change nothing");
    assert.equal(again.reason, "ALREADY_INJECTED");
  });
}

function readCase(name: string): { input: PlanInput; settings: PlanSettings } {
  const namespace = (readYaml(name, "namespace.yaml") ?? readYaml("", "namespace.yaml")) as Namespace;
  const account = readYaml(name, "service-account.yaml") as ServiceAccount | undefined;
  const changes = (readYaml(name, "settings.yaml") ?? {}) as Record<string, unknown>;
  const given = Object.entries(changes).map(([key, value]) => [key, value ?? undefined]);
  return {
    input: {
      pod: readYaml(name, "pod.yaml"),
      namespace: {
        name: namespace.metadata.name ?? "",
        labels: namespace.metadata.labels ?? {},
        annotations: namespace.metadata.annotations ?? {},
      },
      serviceAccountAnnotations: account?.metadata.annotations ?? {},
    },
    settings: { ...PLAN_SETTINGS, ...Object.fromEntries(given) },
  };
}

function readYaml(name: string, file: string): unknown {
  const path = join(FOLDER, name, file);
  return existsSync(path) ? parse(readFileSync(path, "utf8")) : undefined;
}

function yaml(value: unknown): string {
  return stringify(value, { lineWidth: 0, aliasDuplicateObjects: false });
}

function matches(file: string, actual: string): void {
  const path = join(FOLDER, file);
  if (UPDATE) writeFileSync(path, actual);
  assert.equal(actual, readFileSync(path, "utf8"), `${file} differs (UPDATE=1 rewrites it)`);
}

function absent(file: string): void {
  const path = join(FOLDER, file);
  if (UPDATE) rmSync(path, { force: true });
  assert.ok(!existsSync(path), `${file} exists, but nothing is injected`);
}
