// What the page of podrole ui reads, with the API server emulator: all of it, without rights, and while it is away.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { createKubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { createOperatorKubernetes } from "../../../src/kubernetes/client.ts";
import { createSnapshotFeed } from "../../../src/operations/ui/feed.ts";
import { readUiMigration } from "../../../src/operations/ui/migration.ts";
import { readUiPod } from "../../../src/operations/ui/pod.ts";
import { readRoleUsers } from "../../../src/operations/ui/role-users.ts";
import { readUiSnapshot } from "../../../src/operations/ui/snapshot.ts";
import type { ClusterState } from "../../../src/protocol/state/model.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { failure, success } from "../../../src/runtime/result.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { smallSnapshot } from "../../ui/snapshots.ts";
import { createInstalledObjects } from "../check/healthy.ts";
import { ARN, heldWith, podWith, READ_AT } from "../status/pods.ts";

const OPTIONS = { namespace: undefined, podroleNamespace: "podrole" };

async function setUp(context: TestContext, username?: string) {
  const emulator = createKubernetesEmulator({ clock: systemClock });
  await emulator.listen();
  context.after(() => emulator.close());
  createInstalledObjects(emulator.store);
  emulator.store.create("pods", podWith());
  const path = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig(username));
  const kubernetes = createOperatorKubernetes({ kubeconfigPath: path });
  context.after(() => kubernetes.close());
  const slot = {
    slot: "current",
    subject: "CN=podrole CA",
    fingerprint: "AA",
    expiresAt: READ_AT,
    longestLeafSeconds: 3_600,
  } as const;
  const state: ClusterState = {
    replicas: [{ name: "server-1", version: "0.1.0", startedAt: READ_AT, answeredAt: READ_AT, problems: [] }],
    pods: [heldWith()],
    refusals: {
      recordedSince: READ_AT,
      rows: [
        {
          ...{ time: READ_AT, since: READ_AT, count: 2, namespace: "shop", pod: "orders", uid: "u", container: "app" },
          ...{ code: "STS_DENIED", reason: "Cannot assume role" },
        },
      ],
    },
    trust: { slots: [slot], leafSeconds: 3_600, outlook: [], waitsFor: [] },
    sts: { results: { OK: 3 }, waiting: 0, heldBack: { rate: 0, pause: 0 }, windowSeconds: 120, namespaces: [] },
  };
  const asked: (string | undefined)[] = [];
  const askServer = async (namespace: string | undefined) => {
    asked.push(namespace);
    return { value: { state, silent: [], isComplete: true, ignored: 0 } };
  };
  return { emulator, asked, kubernetes, deps: { kubernetes, clock: createFakeClock(), askServer } };
}

/** Lists that the page reads. Without some of them, a view shows the same from what the server has answered. */
const READ_RIGHTS = [
  { group: "", resource: "pods", isNeeded: true },
  { group: "", resource: "namespaces", isNeeded: true },
  { group: "", resource: "events", isNeeded: true },
  { group: "", resource: "configmaps", isNeeded: true },
  { group: "apps", resource: "deployments", isNeeded: true },
  { group: "admissionregistration.k8s.io", resource: "mutatingwebhookconfigurations", isNeeded: true },
] as const;

suite("readUiSnapshot()", () => {
  test("readUiSnapshot() reads all topics, and asks server and API server once for each thing", async (context) => {
    const { deps, asked, emulator } = await setUp(context);
    const read = await readUiSnapshot(deps, OPTIONS);
    assert.ok(read.ok);
    const { pods, refusals, trust, rotation, sts, leafSeconds, namespaces, remedies, unknown } = read.value;
    assert.deepEqual(
      pods.map(({ pod, role, workload }) => [pod, role, workload]),
      [["orders", `${ARN}shop-orders`, "Pod/orders"]],
    );
    assert.deepEqual(
      [refusals[0]?.code, trust[0]?.slot, rotation?.leafSeconds, sts?.results],
      ["STS_DENIED", "current", 3_600, { OK: 3 }],
    );
    assert.deepEqual(leafSeconds, { AA: 3_600 });
    assert.equal(namespaces.find(({ name }) => name === "shop")?.isLabelled, true);
    assert.match(remedies["STS_DENIED"] ?? "", /\w/);
    assert.deepEqual(unknown, { pods: [], refusals: [], trust: [], sts: [], namespaces: [] });
    assert.deepEqual(asked, [undefined]);
    const lists = emulator.audit.filter(({ verb, objectRef }) => verb === "list" && objectRef?.resource === "pods");
    assert.equal(lists.length, 1);
  });

  test("readUiSnapshot() names the rights that are missing, and reads the rest", async (context) => {
    const { deps, emulator } = await setUp(context, "reader");
    emulator.restrict("reader", [{ apiGroups: [""], resources: ["namespaces"], verbs: ["get", "list"] }]);
    const read = await readUiSnapshot(deps, OPTIONS);
    assert.ok(read.ok);
    const { unknown, pods, namespaces, sts } = read.value;
    const needed = unknown.pods.flatMap(({ needs }) => needs).join("; ");
    assert.match(needed, /list on pods/);
    assert.match(needed, /list on deployments/);
    assert.deepEqual(
      pods.map(({ pod, phase }) => [pod, phase]),
      [["orders", "unknown"]],
    );
    assert.ok(namespaces.length > 0 && sts !== undefined);
  });

  test("readUiSnapshot() names each right that is missing alone, and reads what the others allow", async (context) => {
    const { deps, emulator } = await setUp(context, "reader");
    for (const missing of READ_RIGHTS) {
      const username = `without ${missing.resource}`;
      const path = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig(username));
      const kubernetes = createOperatorKubernetes({ kubeconfigPath: path });
      context.after(() => kubernetes.close());
      const rules = READ_RIGHTS.filter((right) => right !== missing).map(({ group, resource }) => ({
        apiGroups: [group],
        resources: [resource],
        verbs: ["get", "list"],
      }));
      emulator.restrict(username, rules);
      const read = await readUiSnapshot({ ...deps, kubernetes }, OPTIONS);
      assert.ok(read.ok);
      const unknown = Object.values(read.value.unknown).flat();
      const needs = new Set(
        unknown.flatMap((part) => part.needs.map((need) => need.replace(/^\w+ on (\S+).*$/, "$1"))),
      );
      assert.deepEqual([...needs], missing.isNeeded ? [missing.resource] : [], missing.resource);
      assert.deepEqual(
        read.value.pods.map(({ pod }) => pod),
        ["orders"],
        missing.resource,
      );
    }
  });

  test("readUiSnapshot() shows what an older server answers, and says that it does not count its calls", async (context) => {
    const { deps } = await setUp(context);
    const answered = await deps.askServer(undefined);
    const { sts: _sts, trust: _trust, ...older } = answered.value.state;
    const askServer = async () => ({ value: { ...answered.value, state: older } });
    const read = await readUiSnapshot({ ...deps, askServer }, OPTIONS);
    assert.ok(read.ok);
    const { unknown, pods, sts, rotation } = read.value;
    assert.deepEqual([sts, rotation, pods[0]?.role], [undefined, undefined, `${ARN}shop-orders`]);
    assert.match(unknown.sts[0]?.why ?? "", /a server of this version counts its calls/);
  });

  test("readUiSnapshot() without an answer of the server shows the cluster, and says what is unknown", async (context) => {
    const { deps } = await setUp(context);
    const askServer = async () => ({
      unknown: "needs create on serviceaccounts/token podrole-reader in podrole",
      needs: ["create on serviceaccounts/token podrole-reader in podrole"],
    });
    const read = await readUiSnapshot({ ...deps, askServer }, OPTIONS);
    assert.ok(read.ok);
    assert.equal(read.value.pods[0]?.phase, "ready");
    assert.deepEqual(
      read.value.unknown.sts.map(({ needs }) => needs),
      [["create on serviceaccounts/token podrole-reader in podrole"]],
    );
    assert.ok(read.value.unknown.pods.some(({ what }) => what === "what containers hold"));
  });
});

suite("readUiPod() and readRoleUsers()", () => {
  test("readUiPod() explains the pod and lists its Events, newest first", async (context) => {
    const { deps, emulator } = await setUp(context);
    for (const [name, lastTimestamp] of [
      ["a", "2026-06-01T11:00:00Z"],
      ["b", "2026-06-01T11:30:00Z"],
    ] as const) {
      const involvedObject = { kind: "Pod", namespace: "shop", name: "orders" };
      emulator.store.create("events", {
        metadata: { name, namespace: "shop" },
        involvedObject,
        type: "Warning",
        reason: "STS_DENIED",
        message: name,
        lastTimestamp,
      });
    }
    const { explanation, events } = await readUiPod(deps, { namespace: "shop", name: "orders" }, "podrole");
    assert.ok("value" in explanation && "value" in events);
    assert.equal(explanation.value.existing?.containers?.[0]?.holds, `${ARN}shop-orders`);
    assert.deepEqual(
      events.value.map(({ message, count }) => [message, count]),
      [
        ["b", 1],
        ["a", 1],
      ],
    );
  });

  test("readUiPod() says that there is no such pod", async (context) => {
    const { deps } = await setUp(context);
    const { explanation, events } = await readUiPod(deps, { namespace: "shop", name: "nobody" }, "podrole");
    assert.ok("unknown" in explanation && "value" in events);
    assert.match(explanation.unknown, /there is no pod "nobody"/);
  });

  test("readRoleUsers() returns the namespaces that permit a role first, and why others do not", async (context) => {
    const { kubernetes } = await setUp(context);
    const users = await readRoleUsers(kubernetes, { role: `${ARN}shop-orders`, ...OPTIONS });
    assert.ok("value" in users);
    assert.deepEqual([users.value[0]?.namespace, users.value[0]?.isPermitted], ["shop", true]);
    assert.match(users.value.find(({ namespace }) => namespace === "default")?.why ?? "", /permits no role/);
    const other = await readRoleUsers(kubernetes, { role: `${ARN}payroll-admin`, ...OPTIONS });
    assert.ok("value" in other && other.value.every(({ isPermitted }) => !isPermitted));
  });
});

suite("createSnapshotFeed()", () => {
  test("createSnapshotFeed() reads once for callers that ask together, and again after a while", async () => {
    const clock = createFakeClock();
    let reads = 0;
    const feed = createSnapshotFeed({ clock, read: async () => success(smallSnapshot({ version: String(++reads) })) });
    const both = await Promise.all([feed.latest(), feed.latest()]);
    assert.deepEqual(
      both.map((each) => each.ok && each.value.version),
      ["1", "1"],
    );
    assert.equal((await feed.latest()).ok, true);
    assert.equal(reads, 1);
    await clock.advance(2_001);
    await feed.latest();
    assert.equal(reads, 2);
  });

  test("createSnapshotFeed() shows the last reading of an API server that has gone away, and why", async (context) => {
    const { deps, emulator } = await setUp(context);
    const clock = createFakeClock();
    const feed = createSnapshotFeed({ clock, read: () => readUiSnapshot(deps, OPTIONS) });
    const before = await feed.latest();
    await emulator.close();
    await clock.advance(2_001);
    const after = await feed.latest();
    assert.ok(before.ok && after.ok);
    assert.deepEqual([before.value.stale, after.value.pods], [undefined, before.value.pods]);
    assert.equal(after.value.stale?.since, before.value.at);
    assert.match(after.value.stale?.why ?? "", /ECONNREFUSED|connect/);
  });

  test("createSnapshotFeed() keeps the last rows while the API server is away, and says since when", async () => {
    const clock = createFakeClock();
    const away = { what: "pods", why: "Cannot list pods: connection refused; expected an API server", needs: [] };
    const small = smallSnapshot();
    const readings = [
      success(small),
      success(smallSnapshot({ pods: [], at: "2026-06-01T12:00:05Z", unknown: { ...small.unknown, pods: [away] } })),
      failure("away"),
      success(smallSnapshot({ at: "2026-06-01T12:01:00Z" })),
    ];
    const feed = createSnapshotFeed({ clock, read: async () => readings.shift() ?? failure("no more") });
    const next = async () => {
      const latest = await feed.latest();
      await clock.advance(2_001);
      assert.ok(latest.ok);
      return latest.value;
    };
    assert.equal((await next()).stale, undefined);
    const stale = await next();
    assert.deepEqual([stale.pods.length, stale.stale], [small.pods.length, { since: small.at, why: away.why }]);
    assert.deepEqual((await next()).stale, { since: small.at, why: "away" });
    assert.equal((await next()).stale, undefined);
  });
});

test("readUiMigration() lists the workloads whose pods podrole would refuse, with the reason, and no other", async (context) => {
  const { kubernetes, emulator } = await setUp(context);
  emulator.store.create("namespaces", {
    metadata: { name: "strict", annotations: { "iam.amazonaws.com/permitted": `${ARN}only-this` } },
  });
  const annotations = { "iam.amazonaws.com/role": `${ARN}another` };
  emulator.store.create("pods", { ...podWith(), metadata: { name: "refused", namespace: "strict", annotations } });
  const read = await readUiMigration(kubernetes, "kiam", "strict");
  assert.ok("value" in read, JSON.stringify(read));
  const { refused, report } = read.value;
  assert.deepEqual(
    refused.map(({ namespace, name, pods }) => [namespace, name, pods]),
    [["strict", "refused", 1]],
  );
  assert.match(refused[0]?.findings.join() ?? "", /permit/);
  assert.equal(report.counts.refused, 1);
});
