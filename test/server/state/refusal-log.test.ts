// Two replicas that share their refusals in one ConfigMap of the API server emulator.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import type { KubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { until } from "../../../emulators/until.ts";
import type { KubernetesClient } from "../../../src/kubernetes/client.ts";
import { type RefusalLog, startRefusalLog } from "../../../src/server/state/refusal-log.ts";
import { refusalsInData } from "../../../src/server/state/refusal-records.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { startCluster } from "../../kubernetes/harness.ts";

const PLACE = { namespace: "podrole", name: "podrole-refusals" };
const POD = { namespace: "shop", name: "orders-1", uid: "u-1" };
const FORBIDDEN = { code: "ROLE_FORBIDDEN", message: "Cannot give role" } as const;

async function replicas(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  emulator.store.create("namespaces", { metadata: { name: "podrole" } });
  const kubernetes = await connect();
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const start = (client: Pick<KubernetesClient, "changeConfigMap"> = kubernetes) => {
    const replica = startRefusalLog({ clock, log, kubernetes: client, ownership: async () => ({}) }, PLACE);
    context.after(() => replica.stop());
    return replica;
  };
  const shared = () => sharedRefusals(emulator);
  /** Lets 10 s pass, and waits until the replicas have written what they then have. */
  async function pass(...checks: (() => boolean)[]) {
    await clock.advance(10_000);
    for (const check of checks) await until(check, "the replica has written");
  }
  return { emulator, kubernetes, clock, lines, start, shared, pass };
}

function sharedRefusals({ store }: KubernetesEmulator) {
  const found = store.find("configmaps", PLACE.namespace, PLACE.name);
  return refusalsInData(found?.["data"] as Readonly<Record<string, string>> | undefined)?.rows ?? [];
}

const isShared = (replica: RefusalLog) => () => replica.records().sharedAt !== undefined;
const countOf = (rows: readonly { readonly count: number }[]) => rows.reduce((sum, { count }) => sum + count, 0);

test("startRefusalLog() shows a refusal at once, and writes it within 10 s", async (context) => {
  const { start, shared, pass } = await replicas(context);
  const replica = start();
  await until(isShared(replica), "the first read");
  replica.refused(POD, "app", FORBIDDEN, "arn:aws:iam::123456789012:role/orders");
  replica.refused(POD, "app", FORBIDDEN, "arn:aws:iam::123456789012:role/orders");
  assert.equal(replica.records().rows[0]?.count, 2);
  assert.equal(shared().length, 0);
  await pass(() => shared().length === 1);
  const [row] = shared();
  assert.deepEqual([row?.count, row?.namespace, row?.pod, row?.container], [2, "shop", "orders-1", "app"]);
  assert.equal(row?.role, "arn:aws:iam::123456789012:role/orders");
});

test("startRefusalLog() adds up what two replicas counted, and each then shows both", async (context) => {
  const { start, shared, pass } = await replicas(context);
  const [a, b] = [start(), start()];
  for (const replica of [a, b]) await until(isShared(replica), "the first read");
  a.refused(POD, "app", FORBIDDEN);
  b.refused(POD, "app", FORBIDDEN);
  b.refused({ ...POD, uid: "u-2" }, undefined, FORBIDDEN);
  await pass(() => countOf(shared()) === 3);
  assert.equal(shared().length, 2);
  for (let times = 0; times < 6; times++) await pass();
  for (const replica of [a, b]) await until(() => countOf(replica.records().rows) === 3, "both replicas");
});

test("startRefusalLog() loses nothing if another replica writes between its read and its write", async (context) => {
  const { kubernetes, start, shared, pass } = await replicas(context);
  let conflicts = 0;
  const replica = start({
    changeConfigMap: (namespace, name, change, creation) =>
      kubernetes.changeConfigMap(
        namespace,
        name,
        (present) => {
          const data = change(present);
          if (conflicts++ === 1) other.refused({ ...POD, uid: "u-2" }, "app", FORBIDDEN);
          return data;
        },
        creation,
      ),
  });
  const other = start();
  for (const each of [replica, other]) await until(isShared(each), "the first read");
  replica.refused(POD, "app", FORBIDDEN);
  await pass(() => shared().length >= 1);
  await pass(() => shared().length === 2);
});

test("startRefusalLog() shows refusals while they are written, and those that come meanwhile", async (context) => {
  const { kubernetes, start, shared, pass } = await replicas(context);
  const hanging = Promise.withResolvers<void>();
  let count = 0;
  const replica = start({
    async changeConfigMap(...write) {
      const data = await kubernetes.changeConfigMap(...write);
      if (count++ === 1) await hanging.promise;
      return data;
    },
  });
  await until(isShared(replica), "the first read");
  replica.refused(POD, "app", FORBIDDEN);
  await pass(() => shared().length === 1);
  assert.equal(countOf(replica.records().rows), 1);
  replica.refused(POD, "app", FORBIDDEN);
  replica.refused({ ...POD, uid: "u-2" }, "app", FORBIDDEN);
  assert.deepEqual([countOf(replica.records().rows), replica.records().rows.length], [3, 2]);
  hanging.resolve();
  await pass(() => countOf(shared()) === 3);
  assert.equal(countOf(replica.records().rows), 3);
});

test("startRefusalLog() writes counts of known refusals once a minute", async (context) => {
  const { emulator, start, pass, shared } = await replicas(context);
  const replica = start();
  await until(isShared(replica), "the first read");
  replica.refused(POD, "app", FORBIDDEN);
  await pass(() => shared().length === 1);
  const patches = () => emulator.audit.filter(({ verb }) => verb === "patch").length;
  const before = patches();
  for (let times = 0; times < 4; times++) {
    replica.refused(POD, "app", FORBIDDEN);
    await pass();
  }
  assert.equal(patches(), before);
  await pass(() => countOf(shared()) === 5);
});

test("startRefusalLog() keeps what it cannot write, says so once, and writes it later", async (context) => {
  const { kubernetes, lines, start, shared, pass } = await replicas(context);
  let isDown = true;
  const replica = start({
    async changeConfigMap(...write) {
      if (isDown) throw new TypeError("no right");
      return kubernetes.changeConfigMap(...write);
    },
  });
  replica.refused(POD, "app", FORBIDDEN);
  for (let times = 0; times < 3; times++) await pass();
  assert.equal(replica.records().rows.length, 1);
  assert.equal(replica.records().sharedAt, undefined);
  assert.equal(lines.filter(({ message }) => message === "cannot share the records of refusals").length, 1);
  isDown = false;
  await pass(() => shared().length === 1);
});

test("startRefusalLog() reads neither what it wrote nor what it has read already", async (context) => {
  const clock = createFakeClock();
  let data: Readonly<Record<string, string>> | undefined;
  const changeConfigMap: KubernetesClient["changeConfigMap"] = async (_namespace, _name, change) => {
    data = change(data);
    return data;
  };
  const parse = context.mock.method(JSON, "parse");
  const { log } = createKeptLog();
  const replica = startRefusalLog({ clock, log, kubernetes: { changeConfigMap }, ownership: async () => ({}) }, PLACE);
  context.after(() => replica.stop());
  for (const uid of ["u-1", "u-2", "u-3"]) {
    replica.refused({ ...POD, uid }, "app", FORBIDDEN);
    await clock.advance(10_000);
  }
  assert.equal(refusalsInData(data)?.rows.length, 3);
  const read = parse.mock.calls.filter(({ arguments: [text] }) => text.includes("u-"));
  assert.equal(read.length, 1, "the one above");
  const [first, ...others] = replica.records().rows;
  data = { "refusals.json": JSON.stringify({ recordedSince: first?.since, rows: others }) };
  await clock.advance(60_000);
  assert.equal(replica.records().rows.length, 2, "what somebody else wrote");
});

test("startRefusalLog() replaces a ConfigMap that it cannot read, and one that was deleted", async (context) => {
  const { emulator, start, shared, pass } = await replicas(context);
  emulator.store.create("configmaps", { metadata: { ...PLACE }, data: { "refusals.json": "<html>" } });
  const replica = start();
  await until(isShared(replica), "the first read");
  replica.refused(POD, "app", FORBIDDEN);
  await pass(() => shared().length === 1);
  emulator.store.remove("configmaps", PLACE.namespace, PLACE.name);
  replica.refused({ ...POD, uid: "u-2" }, "app", FORBIDDEN);
  await pass(() => shared().length === 2);
});

test("startRefusalLog() keeps few refusals of one pod that invents containers, and those of other namespaces", async (context) => {
  const { start } = await replicas(context);
  const replica = start();
  replica.refused({ ...POD, namespace: "quiet" }, "app", FORBIDDEN);
  for (let index = 0; index < 3_000; index++) replica.refused(POD, `c-${index}`, FORBIDDEN);
  const { rows } = replica.records();
  assert.ok(rows.length <= 2_000);
  assert.ok(rows.some(({ namespace }) => namespace === "quiet"));
});

test("stop() writes what is pending", async (context) => {
  const { start, shared } = await replicas(context);
  const replica = start();
  await until(isShared(replica), "the first read");
  replica.refusedUnknown(POD, FORBIDDEN);
  await replica.stop();
  assert.equal(shared().length, 1);
});
