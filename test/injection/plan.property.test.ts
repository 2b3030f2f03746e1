// What plan() guarantees for every pod, whoever wrote it and whichever other webhooks changed it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { plan } from "../../src/injection/plan.ts";
import { SKIP_REASONS } from "../../src/injection/skip-reasons.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { assumeRoleInput, decideRoles } from "../../src/policy/decide.ts";
import { podFacts } from "../../src/policy/facts.ts";
import { pinnedFacts } from "../../src/policy/pin.ts";
import { isErrorCode, isRefusal } from "../../src/protocol/errors.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { patchBetween } from "../../src/webhook/patch.ts";
import { fc } from "../property.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { arbitraryPlanSettings, injectablePods, injectedBy, inShop, pods } from "./pods.ts";

const RUNS = { numRuns: 300 };

test("plan() changes nothing the second time", () => {
  fc.assert(
    fc.property(injectablePods, arbitraryPlanSettings, (pod, how) => {
      const once = injectedBy(pod, how);
      const twice = plan(inShop(once), how);
      assert.equal(twice.reason, "ALREADY_INJECTED");
      assert.deepEqual(twice.pod, once);
    }),
    RUNS,
  );
});

test("plan() keeps every value of the user's pod in its order", () => {
  fc.assert(
    fc.property(injectablePods, arbitraryPlanSettings, (pod, how) => assertKept(pod, injectedBy(pod, how), "")),
    RUNS,
  );
});

test("plan() does not change its input", () => {
  fc.assert(
    fc.property(pods, arbitraryPlanSettings, (pod, how) => {
      const before = structuredClone(pod);
      plan(inShop(pod), how);
      assert.deepEqual(pod, before);
    }),
    RUNS,
  );
});

test("plan() adds no duplicate name, mount path or variable", () => {
  fc.assert(
    fc.property(injectablePods, arbitraryPlanSettings, (pod, how) => {
      const { spec } = injectedBy(pod, how);
      const containers = [...(spec.initContainers ?? []), ...spec.containers];
      assertUnique(containers.map(({ name }) => name));
      assertUnique((spec.volumes ?? []).map(({ name }) => name));
      for (const { env, volumeMounts } of containers) {
        assertUnique((env ?? []).map(({ name }) => name));
        assertUnique((volumeMounts ?? []).map(({ mountPath }) => mountPath));
      }
    }),
    RUNS,
  );
});

const sessionAnnotations = fc.record(
  {
    "iam.amazonaws.com/session-name": fc.constantFrom("nightly", ""),
    "iam.amazonaws.com/external-id": fc.constantFrom("ext-1", ""),
    "podrole.io/session-duration": fc.constantFrom("30m", "15m"),
    "podrole.io/session-policy-arns": fc.constant("arn:aws:iam::aws:policy/ReadOnlyAccess"),
    "podrole.io/session-policy": fc.constant("narrow"),
  },
  { requiredKeys: [] },
);

const PINNING = { ...PLAN_SETTINGS, policy: { ...PLAN_SETTINGS.policy, pinRoles: true as const } };

test("plan() pins exactly what the server decides for the same pod: roles and session inputs", () => {
  const { policy } = PINNING;
  let compared = 0;
  fc.assert(
    fc.property(fc.oneof(pods, injectablePods), sessionAnnotations, ({ metadata, spec }, session) => {
      const input = inShop({ metadata: { ...metadata, annotations: { ...metadata.annotations, ...session } }, spec });
      const made = plan(input, PINNING);
      if (made.decision !== "inject") return;
      const inherited = { namespaceAnnotations: input.namespace.annotations, serviceAccountAnnotations: {} };
      const unpinned = podFacts(made.pod, "shop");
      const pinned = pinnedFacts(unpinned);
      assert.ok(!isRefusal(pinned));
      const atServer = decideRoles(pinned, inherited, policy).roles;
      assert.deepEqual(
        atServer.map(({ container, role }) => [container, role?.arn]),
        made.roles.map(({ container, role }) => [container, role?.arn]),
      );
      for (const decision of decideRoles(unpinned, inherited, policy).roles) {
        const same = atServer.find(({ container }) => container === decision.container);
        if (same?.outcome !== "allowed" || decision.outcome !== "allowed") continue;
        compared += 1;
        assert.deepEqual(
          assumeRoleInput(pinned, same.role, policy, "deferred"),
          assumeRoleInput(unpinned, decision.role, policy, "deferred"),
        );
      }
    }),
    RUNS,
  );
  assert.ok(compared > 100, `${compared} containers were compared`);
});

test("plan() replaces a pin that is not its own, and refuses one that it would not write there", () => {
  fc.assert(
    fc.property(injectablePods, fc.string(), (pod, text) => {
      const once = injectedBy(pod, PINNING);
      const forged = structuredClone(once);
      const pin = sidecarOf(forged)?.env?.find(({ name }) => name === "PODROLE_PINNED_ROLES");
      assert.ok(pin);
      pin.value = text;
      const again = injectedBy(forged, PINNING);
      assert.deepEqual(again, once);
      patchBetween(forged, again);
      sidecarOf(forged)?.env?.push({ name: "PODROLE_PINNED_ROLES", value: text });
      assert.equal(plan(inShop(forged), PINNING).reason, "NAME_RESERVED");
    }),
    { numRuns: 100 },
  );
});

test("plan() follows annotations that another webhook changes before it is called again, and adds a missing pin", () => {
  const pod: Pod = {
    metadata: { generateName: "app-", annotations: { "iam.amazonaws.com/role": "shop-a" } },
    spec: { containers: [{ name: "app" }] },
  };
  const without = injectedBy(pod, PLAN_SETTINGS);
  assert.equal(podFacts(without, "shop").pin, undefined);
  const pinned = injectedBy(without, PINNING);
  assert.match(podFacts(pinned, "shop").pin ?? "", /role\/shop-a"/);
  const changed = { ...pinned, metadata: { ...pinned.metadata, annotations: { "iam.amazonaws.com/role": "shop-b" } } };
  assert.match(podFacts(injectedBy(changed, PINNING), "shop").pin ?? "", /role\/shop-b"/);
});

function sidecarOf({ spec }: Pod): Container | undefined {
  return [...(spec.initContainers ?? []), ...spec.containers].find(({ name }) => name === "podrole-sidecar");
}

test("plan() mounts the token only in containers with a role, and sets endpoint and token file together or not at all", () => {
  fc.assert(
    fc.property(pods, arbitraryPlanSettings, (pod, how) => {
      const made = plan(inShop(pod), how);
      if (made.decision !== "inject") return;
      const users = [...(made.pod.spec.initContainers ?? []), ...made.pod.spec.containers];
      for (const container of users.filter(({ name }) => !name.startsWith("podrole-"))) {
        const mount = container.volumeMounts?.find(({ name }) => name === "podrole-tokens");
        if (mount) {
          assert.ok(made.roles.some((role) => role.outcome === "allowed" && role.container === container.name));
          assert.equal(mount.subPath, container.name);
        }
        const given = [...(pod.spec.initContainers ?? []), ...pod.spec.containers].find(
          ({ name }) => name === container.name,
        );
        const news = PAIR.filter((name) => has(container, name) && !has(given, name));
        assert.notEqual(news.length, 1, "half of the pair would send the token elsewhere");
        assert.equal(has(container, TOKEN), has(given, TOKEN), "a token in the environment could not be replaced");
      }
    }),
    RUNS,
  );
});

test("plan() gives a skip a reason of its table, a refusal an error code, and neither a pod", () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(pods, arbitraryPlanSettings, (pod, how) => {
      const made = plan(inShop(pod), how);
      seen.add(made.decision);
      if (made.decision === "inject") return assert.match(made.reason, /^(ALREADY_)?INJECTED$/);
      assert.ok(made.decision === "skip" ? Object.hasOwn(SKIP_REASONS, made.reason) : isErrorCode(made.reason));
      assert.equal("pod" in made, false);
    }),
    RUNS,
  );
  assert.deepEqual([...seen].toSorted(), ["inject", "refuse", "skip"]);
});

test("plan() never throws, whatever value is given for the pod", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const made = plan(inShop(value as unknown as Pod), PLAN_SETTINGS);
      assert.equal(made.decision, "refuse");
      assert.equal(made.reason, "REQUEST_INVALID");
    }),
    RUNS,
  );
});

test("plan() never throws, whatever values are inside the pod", () => {
  fc.assert(
    fc.property(pods, fc.jsonValue(), fc.nat(), (pod, value, choice) => {
      const broken = structuredClone(pod);
      const places = placesIn(broken);
      const [parent, key] = places[choice % places.length] as [Record<string, unknown>, string];
      parent[key] = value;
      const made = plan(inShop(broken), PLAN_SETTINGS);
      if (made.decision === "inject") patchBetween(broken, made.pod);
    }),
    { numRuns: 2_000 },
  );
});

const TOKEN = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const PAIR = ["AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"];

function has(container: Container | undefined, name: string): boolean {
  return container?.env?.some((variable) => variable.name === name) ?? false;
}

function assertUnique(names: readonly string[]): void {
  assert.deepEqual(names, [...new Set(names)]);
}

/** `after` contains all of `before`; lists may have more elements in between, NO_PROXY a longer value. */
function assertKept(before: unknown, after: unknown, path: string): void {
  if (before === null || before === undefined) return;
  if (Array.isArray(before)) {
    let from = 0;
    const list = after as unknown[];
    for (const element of before) {
      const at = list.findIndex((candidate, index) => index >= from && isKept(element, candidate, path));
      assert.ok(at >= 0, `${path}: ${JSON.stringify(element)} is missing or out of order`);
      from = at + 1;
    }
  } else if (typeof before === "object") {
    const isExemption = /^no_proxy$/i.test(String((before as { name?: unknown }).name));
    for (const [key, value] of Object.entries(before)) {
      const now = (after as Record<string, unknown>)[key];
      if (isExemption && key === "value") assert.ok(String(now).startsWith(String(value)));
      else assertKept(value, now, `${path}/${key}`);
    }
  } else assert.equal(after, before, path);
}

function isKept(before: unknown, after: unknown, path: string): boolean {
  try {
    assertKept(before, after, path);
    return true;
  } catch {
    return false;
  }
}

/** Every member and element below `value`, by parent and key. */
function placesIn(value: unknown): [Record<string, unknown>, string][] {
  if (typeof value !== "object" || value === null) return [];
  const parent = value as Record<string, unknown>;
  const own = Object.keys(parent).map((key): [Record<string, unknown>, string] => [parent, key]);
  return own.concat(Object.values(parent).flatMap(placesIn));
}

test("plan() never turns a pod that the API server accepts into one that it refuses", async () => {
  const kubernetes = createKubernetesEmulator({ clock: systemClock });
  await kubernetes.create("/api/v1/namespaces", { metadata: { name: "shop" } });
  let accepted = 0;
  const refusalOf = async (pod: Pod): Promise<string | undefined> => {
    const metadata = { ...pod.metadata, name: `pod-${++accepted}`, namespace: "shop" };
    const { code, body } = await kubernetes.create("/api/v1/namespaces/shop/pods", { ...pod, metadata });
    return code === 201 ? undefined : JSON.stringify(body);
  };
  await fc.assert(
    fc.asyncProperty(injectablePods, arbitraryPlanSettings, async (pod, how) => {
      fc.pre((await refusalOf(pod)) === undefined);
      assert.equal(await refusalOf(injectedBy(pod, how)), undefined);
    }),
    { numRuns: 100 },
  );
});
