// Which workloads cannot create their pods, by Events and by what their status says now.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type EventObject, findBlockedWorkloads } from "../../src/operations/blocked-workloads.ts";
import { namespaceSight, sightsByName } from "../../src/operations/namespace-sight.ts";

const NOW = Date.parse("2026-06-01T12:00:00Z");
const DENIED = 'admission webhook "pods.podrole.io" denied the request: ROLE_FORBIDDEN: Cannot give role';
const PERMITTED = { "iam.amazonaws.com/permitted": "arn:aws:iam::123456789012:role/shop-orders" };

const OVER_QUOTA = 'pods "web-1" is forbidden: exceeded quota: team, requested: pods=1, used: pods=9, limited: pods=9';
const QUOTA = { metadata: { name: "team" }, spec: { hard: { pods: "10" } }, status: { used: { pods: "10" } } };

const eventOf = (name: string, message: string, minutes: number): EventObject => ({
  involvedObject: { kind: "ReplicaSet", namespace: "shop", name: `${name}-5d9f8c7b64` },
  message,
  lastTimestamp: new Date(NOW - minutes * 60_000).toISOString(),
});

function find(
  events: readonly EventObject[],
  {
    workload,
    isLabelled = true,
  }: { readonly workload?: () => Promise<object | undefined>; readonly isLabelled?: boolean } = {},
) {
  const forbidden = () => Promise.reject(new Error("forbidden"));
  const kubernetes = { read: (workload ?? forbidden) as never, listAll: (async () => [QUOTA]) as never };
  const labels = isLabelled ? { "podrole.io/inject": "enabled" } : {};
  const namespaces = sightsByName([namespaceSight({ metadata: { name: "shop", labels, annotations: PERMITTED } })]);
  return findBlockedWorkloads({ kubernetes }, events, { now: NOW, namespaces, installation: {} });
}

const deployment = (change: object) => ({
  metadata: { name: "web" },
  spec: { replicas: 3, template: { metadata: { annotations: { "iam.amazonaws.com/role": "shop-oders" } } } },
  status: { conditions: [{ type: "ReplicaFailure", status: "True", message: DENIED }] },
  ...change,
});

suite("findBlockedWorkloads()", () => {
  test("lists what podrole refused lately, and quotas in labelled namespaces", async () => {
    const events = [
      eventOf("old", DENIED, 30),
      eventOf("web", DENIED, 5),
      eventOf("big", `Error creating: ${OVER_QUOTA}`, 1),
      eventOf("job", "no such ServiceAccount", 1),
    ];
    const namesIn = async (isLabelled: boolean) => (await find(events, { isLabelled })).map((one) => one.workload);
    assert.deepEqual(await namesIn(false), ["deployment/web"]);
    assert.deepEqual(await namesIn(true), ["deployment/big", "deployment/web"]);
  });

  test("lists a workload once, with its last attempt", async () => {
    const [first, ...others] = await find([eventOf("web", DENIED, 5), eventOf("web", DENIED, 2)]);
    assert.deepEqual([first?.time, others], ["2026-06-01T11:58:00.000Z", []]);
  });

  test("corrects the role by the workload's own template and the namespace's own annotation", async () => {
    const [found] = await find([eventOf("web", DENIED, 1)], { workload: async () => deployment({}) });
    assert.equal(found?.scope, "0 of 3 replicas exist");
    assert.match(found?.remedy ?? "", /did you mean shop-orders\?$/);
    assert.match(found?.next ?? "", /patch deployment\/web .*"iam\.amazonaws\.com\/role":"shop-orders"/);
  });

  test("says how soon pods are created after a change of the namespace, and after a fault that passes", async () => {
    const [forbidden] = await find([eventOf("web", DENIED, 1)], { workload: async () => deployment({}) });
    assert.match(
      forbidden?.recovery ?? "",
      /a changed pod template makes new pods at once; after a change of something/,
    );
    assert.match(
      forbidden?.furtherSteps?.at(-1) ?? "",
      /^kubectl -n shop rollout restart deployment\/web {2}# only after the namespace permits it, /,
    );
    const timeout = DENIED.replace("ROLE_FORBIDDEN", "KUBERNETES_UNAVAILABLE");
    const [passing] = await find([eventOf("web", timeout, 1)], { workload: async () => deployment({}) });
    assert.match(passing?.recovery ?? "", /^by itself: the controller tries again, after waits of at most 17 min$/);
    assert.match(passing?.furtherSteps?.at(-1) ?? "", /rollout restart deployment\/web {2}# only to have it try again/);
  });

  test("takes no role from an Event, which anybody may write", async () => {
    const forged = `${DENIED} arn:aws:iam::1:role/shop-oders to pod "x" container "app": namespace "shop" permits "arn:aws:iam::1:role/evil"`;
    const [found] = await find([eventOf("web", forged, 1)]);
    assert.doesNotMatch([found?.next, ...(found?.furtherSteps ?? [])].join("\n"), /evil|oders/);
  });

  test("raises a quota by the object and the workload's status, and by no Event, which anybody may write", async () => {
    const forged = OVER_QUOTA.replace("requested: pods=1", "requested: pods=500");
    const nextOf = async (message: string) => {
      const status = { conditions: [{ type: "ReplicaFailure", status: "True", message }] };
      const [found] = await find([eventOf("web", forged, 1)], { workload: async () => deployment({ status }) });
      return [found?.next, ...(found?.furtherSteps ?? [])].join("\n");
    };
    assert.match(await nextOf(OVER_QUOTA), /patch quota\/team .*\{"pods":"14"\}/);
    assert.match(await nextOf(DENIED), /edit quota\/team/);
  });

  for (const [what, workload] of [
    ["was deleted", undefined],
    ["has all of its pods", deployment({ status: { replicas: 3 } })],
  ] as const) {
    test(`leaves out a workload that ${what}`, async () => {
      assert.deepEqual(await find([eventOf("web", DENIED, 1)], { workload: async () => workload }), []);
    });
  }
});
