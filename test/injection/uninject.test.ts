// uninject() against real injections: every fixture and arbitrary pods, injected and uninjected again.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { plan } from "../../src/injection/plan.ts";
import { allContainers, listOf } from "../../src/injection/shape.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { fc } from "../property.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { inShop, pods } from "./pods.ts";

const FOLDER = fileURLToPath(new URL("../fixtures/pods/", import.meta.url));
const OPTIONS = { region: PLAN_SETTINGS.region };

/** Settings with which the sidecar also has a pin. */
const PINNING = { ...PLAN_SETTINGS, policy: { ...PLAN_SETTINGS.policy, pinRoles: true as const } };

const read = (name: string, file: string): unknown => {
  const path = join(FOLDER, name, file);
  return existsSync(path) ? parse(readFileSync(path, "utf8")) : undefined;
};

/** To the API server an empty list and an absent one are the same. */
function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, withoutEmpty(inner)] as const);
  return Object.fromEntries(entries.filter(([, inner]) => !isEmpty(inner)));
}

function isEmpty(value: unknown): boolean {
  return value === null || (typeof value === "object" && Object.keys(value).length === 0);
}

const isInjected = ({ metadata }: Pod) => metadata.labels?.["podrole.io/injected"] === "true";

suite("uninject()", () => {
  for (const entry of readdirSync(FOLDER, { withFileTypes: true }).filter((each) => each.isDirectory())) {
    const pod = read(entry.name, "pod.yaml") as Pod;
    const injected = read(entry.name, "expected-pod.yaml") as Pod | undefined;
    if (!injected) {
      test(`returns fixtures/pods/${entry.name}, which is not injected, unchanged`, () => {
        assert.equal(uninject(pod, OPTIONS), pod);
      });
    } else if (isInjected(pod)) {
      test(`returns the same pod for both pods of fixtures/pods/${entry.name}`, () => {
        const [from, back] = [pod, injected].map((each) => withoutEmpty(uninject(each, OPTIONS)));
        assert.deepEqual(back, from);
        assert.doesNotMatch(JSON.stringify(back), /podrole-|PODROLE_|podrole\.io\/injected/);
      });
    } else {
      test(`returns the original pod of fixtures/pods/${entry.name}`, () => {
        const settings = (read(entry.name, "settings.yaml") ?? {}) as { region?: string | null };
        const region = "region" in settings ? (settings.region ?? undefined) : OPTIONS.region;
        const before = structuredClone(injected);
        assert.deepEqual(withoutEmpty(uninject(injected, { region })), withoutEmpty(twinOf(pod, injected)));
        assert.deepEqual(injected, before, "the input must not change");
      });
    }
  }

  test("returns the original of any pod that plan() injects", () => {
    let injected = 0;
    fc.assert(
      fc.property(pods, fc.constantFrom(PLAN_SETTINGS, PINNING), (pod, settings) => {
        const input = inShop(pod);
        const planned = plan(input, settings);
        if (planned.decision !== "inject" || allContainers(pod).some(hasTwin)) return;
        injected += 1;
        assert.deepEqual(withoutEmpty(uninject(planned.pod, OPTIONS)), withoutEmpty(pod));
      }),
      { numRuns: 2_000 },
    );
    assert.ok(injected > 100, `${injected} pods were injected`);
  });

  test("changes nothing the second time", () => {
    fc.assert(
      fc.property(pods, (pod) => {
        const made = plan(inShop(pod), PLAN_SETTINGS);
        const once = uninject(made.decision === "inject" ? made.pod : pod, OPTIONS);
        assert.equal(uninject(once, OPTIONS), once);
      }),
    );
  });

  test("removes what an earlier version added: podrole-init before a native sidecar", () => {
    const earlier = parse(`
metadata: { name: web, labels: { app: web, podrole.io/injected: "true" } }
spec:
  initContainers:
    - { name: podrole-init, image: podrole-sidecar:0.1.0, args: [init] }
    - name: podrole-sidecar
      restartPolicy: Always
      env: [{ name: PODROLE_CONTAINERS, value: app }, { name: PODROLE_PORT, value: "9763" }]
    - { name: migrate, image: app:1 }
  containers:
    - name: app
      env:
        - { name: AWS_CONTAINER_CREDENTIALS_FULL_URI, value: "http://127.0.0.1:9763/v1/credentials" }
        - { name: AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE, value: /var/run/secrets/podrole.io/token }
        - { name: AWS_EC2_METADATA_DISABLED, value: "true" }
      volumeMounts: [{ name: podrole-tokens, mountPath: /var/run/secrets/podrole.io, subPath: app, readOnly: true }]
  volumes: [{ name: podrole-proof }, { name: podrole-identity }, { name: podrole-tokens }]
`) as Pod;
    assert.deepEqual(uninject(earlier, { region: undefined }), {
      metadata: { name: "web", labels: { app: "web" } },
      spec: { initContainers: [{ name: "migrate", image: "app:1" }], containers: [{ name: "app" }] },
    });
  });

  test("keeps what another webhook added after podrole", () => {
    const pod: Pod = {
      metadata: { annotations: { "iam.amazonaws.com/role": "shop-a" } },
      spec: { containers: [{ name: "app" }] },
    };
    const injected = podIn(plan(inShop(pod), PLAN_SETTINGS));
    const [app] = injected.spec.containers as [Container];
    const tracing = { name: "TRACE", value: "1" };
    const traced = {
      ...injected,
      spec: { ...injected.spec, containers: [{ ...app, env: [...listOf(app.env), tracing] }] },
    };
    assert.deepEqual(uninject(traced, OPTIONS).spec.containers, [{ name: "app", env: [tracing] }]);
  });

  test("returns a pod whose author used podrole's names unchanged", () => {
    const pod: Pod = { metadata: {}, spec: { containers: [{ name: "podrole-sidecar" }] } };
    assert.equal(uninject(pod, OPTIONS), pod);
  });
});

/** The pod that injection would have made the same: classic mode sets kubectl's default container itself. */
function twinOf(pod: Pod, injected: Pod): Pod {
  const shown = "kubectl.kubernetes.io/default-container";
  const { [shown]: named, ...annotations } = pod.metadata.annotations ?? {};
  const isClassic = injected.spec.containers[0]?.name === "podrole-sidecar";
  return named !== undefined && isClassic ? { ...pod, metadata: { ...pod.metadata, annotations } } : pod;
}

/** True for a container that injection makes equal to another one; uninject.ts states which of the two it returns. */
function hasTwin({ env }: Container): boolean {
  const proxied = listOf(env).some(({ name, value, valueFrom }) => /^HTTP_PROXY$/i.test(name) && (value || valueFrom));
  const isSet = (wanted: string) => listOf(env).find(({ name }) => name === wanted);
  const elsewhere = isSet("AWS_CONTAINER_CREDENTIALS_FULL_URI") ?? isSet("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
  const [region, other] = ["AWS_REGION", "AWS_DEFAULT_REGION"].map((name) => {
    const variable = isSet(name);
    return variable && JSON.stringify([variable.value, variable.valueFrom]);
  });
  return (
    (proxied && listOf(env).some(({ name, value }) => /^NO_PROXY$/i.test(name) && value === "")) ||
    (elsewhere !== undefined && region !== undefined && region === other)
  );
}
