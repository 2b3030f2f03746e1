import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { splitBundle } from "../../../src/pki/bundle.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { Secret, type SecretData } from "../../../src/runtime/secret.ts";
import type { ReadTrust } from "../../../src/server/trust/authority-poller.ts";
import { trustFromSecret } from "../../../src/server/trust/trust-secret.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { revealAll } from "../../fakes/secret-data.ts";

const OPTIONS = {
  namespace: "podrole",
  name: "podrole-ca",
  rotation: { commonName: "podrole CA", lifetimeMs: 240 * HOUR_MS, leafLifetimeMs: HOUR_MS },
};

/** One Secret with a resourceVersion, as on an API server. */
function createSecretStore() {
  let held: { data: Readonly<Record<string, Secret>>; version: number } | undefined;
  /** As the API server returns it: every value is secret. */
  const asRead = (data: SecretData) =>
    Object.fromEntries(Object.entries(revealAll(data)).map(([key, text]) => [key, new Secret(text)]));
  const writes: string[] = [];
  return {
    writes,
    get data() {
      return held?.data;
    },
    async getSecret() {
      return held && { metadata: { resourceVersion: String(held.version) }, data: held.data };
    },
    async createSecret(_namespace: string, _name: string, data: SecretData) {
      writes.push("create");
      if (held) return "exists" as const;
      held = { data: asRead(data), version: 1 };
      return "created" as const;
    },
    async replaceSecret(_ns: string, _name: string, data: SecretData, version: string) {
      writes.push("replace");
      if (String(held?.version) !== version) return "conflict" as const;
      held = { data: asRead(data), version: Number(version) + 1 };
      return "replaced" as const;
    },
    remove() {
      held = undefined;
    },
  };
}

type Store = ReturnType<typeof createSecretStore>;
const ownership = async () => ({});
const { log } = createKeptLog();
const reader = (kubernetes: Store, clock: FakeClock): ReadTrust =>
  trustFromSecret({ kubernetes, ownership, clock, log }, OPTIONS);

suite("trustFromSecret()", () => {
  test("creates the CA once when replicas start at the same time", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    const trusts = await Promise.all([1, 2, 3].map(() => reader(store, clock)()));
    assert.equal(new Set(trusts.map(({ bundlePem }) => bundlePem)).size, 1);
    assert.deepEqual(store.writes, ["create", "create", "create"]);
    assert.equal((await reader(store, clock)()).bundlePem, trusts[0]?.bundlePem);
    assert.equal(store.writes.length, 3);
  });

  test("publishes the next CA before it signs, and two replicas rotate to the same one", async () => {
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

  test("writes a deleted Secret again, once and with the CA that pods trust", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    const [one, two, newcomer] = [reader(store, clock), reader(store, clock), reader(store, clock)];
    const before = await one();
    await two();
    store.remove();
    const after = await Promise.all([one(), two()]);
    assert.deepEqual(after, [before, before]);
    assert.deepEqual(await newcomer(), before);
    assert.deepEqual(store.writes, ["create", "create", "create"]);
  });

  test("leaves a deleted Secret deleted while podrole is being uninstalled, and goes on signing with the CA in memory", async () => {
    const [store, clock] = [createSecretStore(), createFakeClock()];
    let isInstalled = true;
    const ownership = async () => (isInstalled ? {} : undefined);
    const read = trustFromSecret({ kubernetes: store, ownership, clock, log }, OPTIONS);
    const before = await read();
    isInstalled = false;
    store.remove();
    assert.deepEqual(await read(), before);
    assert.deepEqual(store.writes, ["create"]);
  });

  test("rejects with KUBERNETES_UNAVAILABLE when others keep changing the Secret", async () => {
    const store = createSecretStore();
    const busy = { ...store, getSecret: async () => undefined, createSecret: async () => "exists" as const };
    const read = trustFromSecret({ kubernetes: busy, ownership, clock: createFakeClock(), log }, OPTIONS);
    await assert.rejects(read(), { code: "KUBERNETES_UNAVAILABLE" });
  });
});
