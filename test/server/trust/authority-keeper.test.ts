import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { splitBundle } from "../../../src/pki/bundle.ts";
import { PodroleError } from "../../../src/protocol/errors.ts";
import type { Secret } from "../../../src/runtime/secret.ts";
import { createAuthorityKeeper, type ReadTrust, trustFromSecret } from "../../../src/server/trust/authority-keeper.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const HOUR_MS = 3_600_000;
const OPTIONS = {
  namespace: "podrole",
  name: "podrole-ca",
  rotation: { commonName: "podrole CA", lifetimeMs: 240 * HOUR_MS, leafLifetimeMs: HOUR_MS },
};

/** One Secret, with resourceVersion as the API server has it. */
function createSecretStore() {
  let held: { data: Readonly<Record<string, Secret>>; version: number } | undefined;
  const writes: string[] = [];
  return {
    writes,
    get data() {
      return held?.data;
    },
    async getSecret() {
      return held && { metadata: { resourceVersion: String(held.version) }, data: held.data };
    },
    async createSecret(_namespace: string, _name: string, data: Readonly<Record<string, Secret>>) {
      writes.push("create");
      if (held) return "exists" as const;
      held = { data, version: 1 };
      return "created" as const;
    },
    async replaceSecret(_ns: string, _name: string, data: Readonly<Record<string, Secret>>, version: string) {
      writes.push("replace");
      if (String(held?.version) !== version) return "conflict" as const;
      held = { data, version: Number(version) + 1 };
      return "replaced" as const;
    },
    lose() {
      held = undefined;
    },
  };
}

type Store = ReturnType<typeof createSecretStore>;
const births = async () => ({});
const { log } = createKeptLog();
const reader = (kubernetes: Store, clock: FakeClock): ReadTrust =>
  trustFromSecret({ kubernetes, births, clock, log }, OPTIONS);

suite("trustFromSecret()", () => {
  test("makes the CA once, however many replicas start at the same time", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    const trusts = await Promise.all([1, 2, 3].map(() => reader(store, clock)()));
    assert.equal(new Set(trusts.map(({ bundlePem }) => bundlePem)).size, 1);
    assert.deepEqual(store.writes, ["create", "create", "create"]);
    assert.equal((await reader(store, clock)()).bundlePem, trusts[0]?.bundlePem);
    assert.equal(store.writes.length, 3);
  });

  test("publishes the next CA before it signs, and two replicas turn over to the same one", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    const first = await reader(store, clock)();
    await clock.advance(121 * HOUR_MS);
    const [one, two] = await Promise.all([reader(store, clock)(), reader(store, clock)()]);
    assert.equal(one.bundlePem, two.bundlePem);
    assert.equal(splitBundle(one.bundlePem).length, 2);
    assert.equal(one.authority.certificatePem, first.authority.certificatePem);
    await clock.advance(80 * HOUR_MS);
    const later = await reader(store, clock)();
    assert.notEqual(later.authority.certificatePem, first.authority.certificatePem);
    assert.ok(one.bundlePem.includes(later.authority.certificatePem.trim()));
  });

  test("writes a Secret that was deleted again, once and with the CA that pods believe", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    const [one, two, newcomer] = [reader(store, clock), reader(store, clock), reader(store, clock)];
    const before = await one();
    await two();
    store.lose();
    const after = await Promise.all([one(), two()]);
    assert.deepEqual(after, [before, before]);
    assert.deepEqual(await newcomer(), before);
    assert.deepEqual(store.writes, ["create", "create", "create"]);
  });

  test("leaves a deleted Secret away while podrole is being uninstalled, and signs on with what it knows", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    let isInstalled = true;
    const births = async () => (isInstalled ? {} : undefined);
    const read = trustFromSecret({ kubernetes: store, births, clock, log }, OPTIONS);
    const before = await read();
    isInstalled = false;
    store.lose();
    assert.deepEqual(await read(), before);
    assert.deepEqual(store.writes, ["create"]);
  });

  test("gives up with KUBERNETES_UNAVAILABLE when others keep changing the Secret", async () => {
    const store = createSecretStore();
    const busy = { ...store, getSecret: async () => undefined, createSecret: async () => "exists" as const };
    const read = trustFromSecret({ kubernetes: busy, births, clock: createFakeClock(), log }, OPTIONS);
    await assert.rejects(read(), { code: "KUBERNETES_UNAVAILABLE" });
  });
});

suite("createAuthorityKeeper()", () => {
  test("retries until it has a CA, and cannot sign before", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    let failures = 2;
    const keeper = createAuthorityKeeper({
      readTrust: async () => {
        if (failures-- > 0) throw new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot read the Secret: it is away");
        return reader(store, clock)();
      },
      publish: async () => {},
      clock,
      log,
    });
    assert.throws(() => keeper.current(), { code: "AUTHORITY_UNAVAILABLE" });
    const started = keeper.start();
    await clock.advance(2_000);
    await clock.advance(2_000);
    await started;
    assert.equal(splitBundle(keeper.current().bundlePem).length, 1);
    await keeper.stop();
  });

  test("tells listeners of a change only, publishes at each look, and goes on when a look fails", async () => {
    const clock = createFakeClock();
    const trusts = [await reader(createSecretStore(), clock)(), await reader(createSecretStore(), clock)()];
    let answer: number | "fails" = 0;
    const published: string[] = [];
    let changes = 0;
    const keeper = createAuthorityKeeper({
      readTrust: async () => {
        const trust = answer === "fails" ? undefined : trusts[answer];
        if (!trust) throw new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot read the Secret: it is away");
        return trust;
      },
      publish: async (bundlePem) => void published.push(bundlePem),
      clock,
      log,
    });
    await keeper.start();
    keeper.onChange(() => changes++);
    await clock.advance(60_000);
    assert.deepEqual([changes, published.length], [0, 2]);
    answer = "fails";
    await clock.advance(60_000);
    assert.equal(keeper.current().bundlePem, trusts[0]?.bundlePem);
    answer = 1;
    await clock.advance(2_000);
    assert.deepEqual([changes, published.at(-1)], [1, trusts[1]?.bundlePem]);
    await keeper.stop();
  });
});
