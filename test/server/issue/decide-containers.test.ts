// Caches that are behind: a refusal that follows from them counts only if a live look-up confirms it.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import type { PolicySettings } from "../../../src/policy/decide.ts";
import { PodroleError, type Refusal, refuse } from "../../../src/protocol/errors.ts";
import { createJudge, decideContainers } from "../../../src/server/issue/decide-containers.ts";
import type { PodInContext } from "../../../src/server/issue/pod-directory.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";

const IDENTITY = { trustDomain: "cluster.local", namespace: "team", serviceAccount: "app", name: "web", uid: "u-1" };
const ORDERS = "arn:aws:iam::123456789012:role/orders";

interface Around {
  readonly annotations?: Record<string, string>;
  readonly permitted?: string;
  readonly containers?: string[];
  readonly pin?: string;
}

function podWith({ annotations, permitted = ".*", containers = ["app", "job"], pin }: Around = {}): PodInContext {
  const { namespace, name, uid, serviceAccount } = IDENTITY;
  const own = annotations ?? { "iam.amazonaws.com/role": "orders" };
  return {
    facts: {
      namespace,
      name,
      uid,
      serviceAccount,
      annotations: own,
      labels: {},
      containers,
      ...(pin !== undefined && { pin }),
    },
    inherited: { namespaceAnnotations: { "iam.amazonaws.com/permitted": permitted }, serviceAccountAnnotations: {} },
  };
}

const UNAVAILABLE = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot read the pod: no answer");

/** Decides on two containers; each is the name of its role or the code of its refusal. */
async function decide(
  cached: PodInContext | Refusal,
  live: PodInContext | Refusal | Error,
  containers = ["app", "job"],
  changes: Partial<PolicySettings> = {},
) {
  let confirmed = 0;
  const directory = {
    find: async () => cached,
    confirm: async () => {
      confirmed += 1;
      if (live instanceof Error) throw live;
      return live;
    },
  };
  const decisions = await decideContainers(
    { directory, judge: createJudge(() => ({ ...PLAN_SETTINGS.policy, ...changes })) },
    IDENTITY,
    containers,
  );
  const outcome =
    "code" in decisions
      ? decisions.code
      : decisions.map((decision) => ("role" in decision ? decision.role.arn : decision.refusal.code));
  return { outcome, confirmed };
}

test("decideContainers() judges only the requested containers, whatever the others cost", async () => {
  const containers = Array.from({ length: 40 }, (_, index) => `c${index}`);
  const arn = (name: string) => `arn:aws:iam::123456789012:role/${"a".repeat(500)}/${name}`;
  const annotations = Object.fromEntries(containers.map((name) => [`iam.amazonaws.com/role.${name}`, arn(name)]));
  const found = podWith({ annotations, containers, permitted: ".*/c7|.*/team-[a-z]+-(reader|writer)" });
  assert.deepEqual(await decide(found, found, ["c7"]), { outcome: [arn("c7")], confirmed: 0 });
  const { outcome } = await decide(found, found, containers);
  assert.deepEqual(new Set(outcome), new Set(["PERMITTED_INVALID"]));
});

test("createJudge() decides once for a pod and its containers, and anew with other settings", () => {
  let settings: PolicySettings = { ...PLAN_SETTINGS.policy };
  const judge = createJudge(() => settings);
  const found = podWith();
  const first = judge(found, ["app"]);
  assert.equal(judge(found, ["app"]), first);
  assert.deepEqual(
    judge(found, ["job", "app"]).map(({ container }) => container),
    ["job", "app"],
  );
  assert.notEqual(judge(podWith({ permitted: "nothing" }), ["app"]), first);
  settings = { ...settings, pinRoles: true };
  const [pinned] = judge(found, ["app"]);
  assert.ok(pinned && "refusal" in pinned && pinned.refusal.code === "ROLE_UNPINNED");
});

for (const [what, containers] of [
  ["with one that the pod does not have", ["app", "nosuch"]],
  ["that is longer than a pod's", Array.from({ length: 9 }, (_, index) => `app-${index}`)],
] as const) {
  test(`createJudge() remembers nothing of a list ${what}, which a caller could make longer and change each time`, () => {
    const judge = createJudge(() => PLAN_SETTINGS.policy);
    const found = podWith({ containers: ["app", ...(what.startsWith("that") ? containers : [])] });
    const first = judge(found, containers);
    assert.deepEqual(judge(found, containers), first);
    assert.notEqual(judge(found, containers), first);
  });
}

const STALE: readonly (readonly [string, PodInContext | Refusal])[] = [
  ["ROLE_FORBIDDEN", podWith({ permitted: "nothing" })],
  ["ROLE_MISSING", podWith({ annotations: {} })],
  ["ROLE_INVALID", podWith({ annotations: { "iam.amazonaws.com/role": "arn:aws:s3:::bucket" } })],
  ["PERMITTED_INVALID", podWith({ permitted: "(" })],
  ["CONTAINER_UNKNOWN", podWith({ annotations: { "podrole.io/containers": "absent" } })],
  [
    "ANNOTATION_INVALID",
    podWith({ annotations: { "iam.amazonaws.com/role": "orders", "iam.amazonaws.com/session-name": "a b" } }),
  ],
  ["POD_UNKNOWN", refuse("POD_UNKNOWN", "Cannot identify pod")],
  ["POD_FINISHED", refuse("POD_FINISHED", "Cannot identify pod")],
  ["POD_NOT_INJECTED", refuse("POD_NOT_INJECTED", "Cannot issue credentials")],
];

suite("decideContainers() with --pin-roles", () => {
  const pinning = { pinRoles: true } as const;
  const pin = `{"roles":{"app":"${ORDERS}"},"session":{}}`;
  const both = ["app", "job"];

  test("gives the pinned role, whatever the annotations say, and nothing else: ROLE_MISSING", async () => {
    const pod = podWith({ pin, annotations: { "iam.amazonaws.com/role": "payroll" } });
    assert.deepEqual((await decide(pod, pod, both, pinning)).outcome, [ORDERS, "ROLE_MISSING"]);
  });

  test("asks the namespace at each issuance: ROLE_FORBIDDEN for a pinned role that it does not permit", async () => {
    const pod = podWith({ pin, permitted: "nothing" });
    assert.deepEqual((await decide(pod, pod, ["app"], pinning)).outcome, ["ROLE_FORBIDDEN"]);
  });

  test("gives a pod without a pin nothing: ROLE_UNPINNED, after a live look-up", async () => {
    assert.deepEqual(await decide(podWith(), podWith(), both, pinning), {
      outcome: ["ROLE_UNPINNED", "ROLE_UNPINNED"],
      confirmed: 1,
    });
  });

  test("does not read the pin without the setting", async () => {
    const pod = podWith({ pin, annotations: { "iam.amazonaws.com/role": "payroll" } });
    const payroll = "arn:aws:iam::123456789012:role/payroll";
    assert.deepEqual((await decide(pod, pod)).outcome, [payroll, payroll]);
  });
});

suite("decideContainers()", () => {
  test("decides from the cache without a live look-up when every container has its role", async () => {
    assert.deepEqual(await decide(podWith(), UNAVAILABLE), { outcome: [ORDERS, ORDERS], confirmed: 0 });
  });

  for (const [code, cached] of STALE) {
    const ofPod = "code" in cached;
    test(`${code} from a stale cache does not count: the live look-up permits the role`, async () => {
      assert.deepEqual(await decide(cached, podWith()), { outcome: [ORDERS, ORDERS], confirmed: 1 });
    });

    test(`${code} counts once the live look-up confirms it`, async () => {
      assert.deepEqual(await decide(cached, cached), { outcome: ofPod ? code : [code, code], confirmed: 1 });
    });

    test(`${code} becomes KUBERNETES_UNAVAILABLE while it cannot be confirmed`, async () => {
      if (ofPod) return assert.rejects(decide(cached, UNAVAILABLE), { code: "KUBERNETES_UNAVAILABLE" });
      const { outcome } = await decide(cached, UNAVAILABLE);
      assert.deepEqual(outcome, ["KUBERNETES_UNAVAILABLE", "KUBERNETES_UNAVAILABLE"]);
    });
  }

  test("serves the permitted container while the refusal of another cannot be confirmed", async () => {
    const annotations = { "iam.amazonaws.com/role.app": "orders", "iam.amazonaws.com/role.job": "payroll" };
    const { outcome } = await decide(podWith({ annotations, permitted: ".*orders" }), UNAVAILABLE);
    assert.deepEqual(outcome, [ORDERS, "KUBERNETES_UNAVAILABLE"]);
  });

  test("ROLE_MISSING: a container that the pod does not have gets nothing, confirmed or not", async () => {
    assert.deepEqual(await decide(podWith(), podWith(), ["nobody"]), { outcome: ["ROLE_MISSING"], confirmed: 1 });
  });
});
