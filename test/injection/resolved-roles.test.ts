// Annotation podrole.io/resolved: what plan() writes, and what readResolvedRoles() makes of a changed one.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Plan, plan } from "../../src/injection/plan.ts";
import { readResolvedRoles } from "../../src/injection/resolved-roles.ts";
import { allContainers } from "../../src/injection/shape.ts";
import { uninject } from "../../src/injection/uninject.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { compactFacts, podFacts } from "../../src/policy/facts.ts";
import { BASE_ARN, policySettingsWith } from "../policy/facts.ts";
import { fc } from "../property.ts";
import { podIn } from "./injected-pod.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";
import { arbitraryPlanSettings, injectablePods, injectedBy, inShop } from "./pods.ts";

const RESOLVED = "podrole.io/resolved";
const ROLE = "iam.amazonaws.com/role";
const MAX_ANNOTATION_BYTES = 256 * 1024;

function podWith(annotations: Readonly<Record<string, string>>, names: readonly string[] = ["app"]): Pod {
  return { metadata: { name: "web", annotations }, spec: { containers: names.map((name) => ({ name })) } };
}

/** Returns the annotation of the pod as plan() makes it. */
function resolvedIn(pod: Pod, settings = PLAN_SETTINGS): string | undefined {
  return podIn(plan(inShop(pod), settings)).metadata.annotations?.[RESOLVED];
}

function bytesOf(pod: Pod): number {
  return Object.entries(pod.metadata.annotations ?? {}).reduce(
    (sum, pair) => sum + Buffer.byteLength(pair.join("")),
    0,
  );
}

suite("plan(): podrole.io/resolved", () => {
  test("plan() writes the role of each container that the sidecar serves", () => {
    const pod = podWith({ [ROLE]: "shop-a", [`${ROLE}.job`]: "shop-b" }, ["job", "app"]);
    assert.equal(resolvedIn(pod), `{"app":"${BASE_ARN}shop-a","job":"${BASE_ARN}shop-b"}`);
  });

  test("plan() leaves out a container without a role", () => {
    const pod = podWith({ [`${ROLE}.job`]: "shop-b" }, ["job", "app"]);
    assert.equal(resolvedIn(pod), `{"job":"${BASE_ARN}shop-b"}`);
  });

  test("plan() leaves out an init container that classic mode does not serve", () => {
    const pod = podWith({ [ROLE]: "shop-a", "podrole.io/mode": "classic" });
    const withInit = { ...pod, spec: { ...pod.spec, initContainers: [{ name: "migrate" }] } };
    assert.equal(resolvedIn(withInit), `{"app":"${BASE_ARN}shop-a"}`);
    assert.equal(
      resolvedIn({ ...withInit, metadata: podWith({ [ROLE]: "shop-a" }).metadata })?.includes("migrate"),
      true,
    );
  });

  test("plan() writes the name of a role that only the server can resolve", () => {
    const policy = { ...policySettingsWith(), baseArn: undefined, serverDetectsBaseArn: true as const };
    assert.equal(resolvedIn(podWith({ [ROLE]: "shop-a" }), { ...PLAN_SETTINGS, policy }), '{"app":"shop-a"}');
  });

  test("plan() replaces what the pod's author wrote there", () => {
    const forged = podWith({ [ROLE]: "shop-a", [RESOLVED]: `{"app":"${BASE_ARN}admin"}` });
    assert.equal(resolvedIn(forged), `{"app":"${BASE_ARN}shop-a"}`);
  });

  test("plan() writes the pin's role of each container that the sidecar serves", () => {
    fc.assert(
      fc.property(injectablePods, (pod) => {
        const policy = { ...PLAN_SETTINGS.policy, pinRoles: true as const };
        const injected = podIn(plan(inShop(pod), { ...PLAN_SETTINGS, policy }));
        const pin = JSON.parse(podFacts(injected, "shop").pin ?? "") as { roles: Record<string, string> };
        const sidecar = allContainers(injected).find(({ name }) => name === "podrole-sidecar");
        const served = sidecar?.env?.find(({ name }) => name === "PODROLE_CONTAINERS")?.value?.split(",") ?? [];
        assert.deepEqual(
          readResolvedRoles(injected),
          Object.fromEntries(served.toSorted().map((name) => [name, pin.roles[name]])),
        );
      }),
    );
  });

  test("plan() writes it whatever podrole.io/resolved says, and decides nothing by it", () => {
    const decisionOf = ({ decision, reason, roles, warnings }: Plan) => ({ decision, reason, roles, warnings });
    fc.assert(
      fc.property(injectablePods, arbitraryPlanSettings, fc.string(), (pod, settings, text) => {
        const { annotations = {} } = pod.metadata;
        const forged = { ...pod, metadata: { ...pod.metadata, annotations: { ...annotations, [RESOLVED]: text } } };
        const [one, other] = [pod, forged].map((each) => plan(inShop(each), settings)) as [Plan, Plan];
        assert.deepEqual(decisionOf(other), decisionOf(one));
        assert.equal(podIn(other).metadata.annotations?.[RESOLVED], podIn(one).metadata.annotations?.[RESOLVED]);
      }),
    );
  });

  test("plan() leaves out the containers for which 16 KiB have no room", () => {
    const names = Array.from({ length: 100 }, (_, index) => `c${index}`);
    const text = resolvedIn(podWith({ [ROLE]: `${"p".repeat(250)}/shop-a` }, names)) ?? "";
    assert.ok(Buffer.byteLength(text) <= 16 * 1024);
    const listed = Object.keys(JSON.parse(text) as object);
    assert.deepEqual(listed.toSorted(), names.slice(0, listed.length).toSorted());
    assert.ok(listed.length > 30 && listed.length < 100, `${listed.length} containers`);
  });

  for (const room of [0, RESOLVED.length + 1, RESOLVED.length + 2, RESOLVED.length + 40, 500]) {
    test(`plan() writes no more than Kubernetes accepts on a pod with ${room} bytes left for annotations`, () => {
      const base = podWith({ [ROLE]: "shop-a", note: "" });
      const note = "x".repeat(MAX_ANNOTATION_BYTES - bytesOf(base) - room);
      const pod = podIn(plan(inShop(podWith({ [ROLE]: "shop-a", note })), PLAN_SETTINGS));
      assert.ok(bytesOf(pod) <= MAX_ANNOTATION_BYTES);
      assert.equal(pod.metadata.annotations?.[RESOLVED] !== undefined, room >= RESOLVED.length + 2);
      assert.equal(plan(inShop(pod), PLAN_SETTINGS).reason, "ALREADY_INJECTED");
    });
  }
});

suite("readResolvedRoles()", () => {
  test("readResolvedRoles() returns what plan() wrote", () => {
    fc.assert(
      fc.property(injectablePods, arbitraryPlanSettings, (pod, settings) => {
        const roles = readResolvedRoles(injectedBy(pod, settings));
        assert.ok(typeof roles === "object" && Object.keys(roles).length > 0);
      }),
    );
  });

  test("readResolvedRoles() returns undefined for a pod without the annotation", () => {
    assert.equal(readResolvedRoles(podWith({})), undefined);
    assert.equal(readResolvedRoles({ metadata: {} }), undefined);
  });

  const foreign = [
    "",
    "x",
    "[]",
    "null",
    '"arn"',
    '{"app":1}',
    '{"app":{}}',
    '{"b":"x","a":"y"}',
    '{ "app":"x"}',
    '{"app":"x"}\n',
    JSON.stringify({ app: "x".repeat(16 * 1024) }),
    "[".repeat(100_000),
  ];
  for (const text of foreign) {
    test(`readResolvedRoles() returns "foreign" for ${JSON.stringify(text.slice(0, 30))}`, () => {
      assert.equal(readResolvedRoles(podWith({ [RESOLVED]: text })), "foreign");
    });
  }

  test("readResolvedRoles() never throws and returns texts alone", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const roles = readResolvedRoles(podWith({ [RESOLVED]: text }));
        if (typeof roles === "object") for (const role of Object.values(roles)) assert.equal(typeof role, "string");
      }),
    );
  });
});

test("uninject() removes podrole.io/resolved, and the annotations if there were no others", () => {
  const inherits = { ...inShop(podWith({})), serviceAccountAnnotations: { [ROLE]: "shop-a" } };
  const bare: Pod = { metadata: { name: "web" }, spec: { containers: [{ name: "app" }] } };
  const injected = podIn(plan({ ...inherits, pod: bare }, PLAN_SETTINGS));
  assert.ok(injected.metadata.annotations?.[RESOLVED]);
  assert.deepEqual(uninject(injected, { region: PLAN_SETTINGS.region }), bare);
});

test("compactFacts() keeps nothing of podrole.io/resolved: the server cannot decide by it", () => {
  const facts = podFacts(podWith({ [ROLE]: "shop-a", [RESOLVED]: "{}" }), "shop");
  assert.deepEqual(compactFacts(facts, policySettingsWith()).annotations, { [ROLE]: "shop-a" });
});
