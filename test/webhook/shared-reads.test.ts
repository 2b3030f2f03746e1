// Live reads that reviews share, of an API server that answers when the test says so.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { OwnMetadata } from "../../src/policy/inherited.ts";
import { shareReads } from "../../src/webhook/shared-reads.ts";
import { createFakeClock } from "../fakes/clock.ts";

/** `answer()` answers the oldest read that has no answer yet. */
function setUp() {
  const clock = createFakeClock();
  const begun: string[] = [];
  const open: PromiseWithResolvers<OwnMetadata | undefined>[] = [];
  function read(key: string): Promise<OwnMetadata | undefined> {
    begun.push(key);
    const answer = Promise.withResolvers<OwnMetadata | undefined>();
    open.push(answer);
    return answer.promise;
  }
  const cluster = shareReads(clock, {
    cachedNamespace: () => undefined,
    cachedServiceAccount: () => undefined,
    readNamespace: read,
    readServiceAccount: (namespace, name) => read(`${namespace}/${name}`),
    cachedLimits: () => ({ ranges: [], quotas: [] }),
    readLimits: () => Promise.resolve({ ranges: [], quotas: [] }),
  });
  async function answer(version: string): Promise<void> {
    open.shift()?.resolve({ metadata: { labels: { version } } });
    await clock.advance(0);
  }
  const fail = async (): Promise<void> => {
    open.shift()?.reject(new Error("it cannot be reached"));
    await clock.advance(0);
  };
  return { clock, begun, cluster, answer, fail };
}

const versionOf = async (object: Promise<OwnMetadata | undefined>) => (await object)?.metadata.labels?.["version"];

test("shareReads() reads once for all who ask during a read, after that read has ended", async () => {
  const { begun, cluster, answer } = setUp();
  const first = cluster.readNamespace("shop");
  const later = Array.from({ length: 100 }, () => cluster.readNamespace("shop"));
  assert.deepEqual(begun, ["shop"]);
  await answer("1");
  assert.deepEqual(begun, ["shop", "shop"]);
  await answer("2");
  assert.equal(await versionOf(first), "1");
  for (const each of later) assert.equal(await versionOf(each), "2");
  void cluster.readNamespace("shop");
  assert.equal(begun.length, 3);
});

test("shareReads() never returns what was read before somebody asked", async () => {
  const { begun, cluster, answer } = setUp();
  void cluster.readNamespace("shop");
  void cluster.readNamespace("shop");
  await answer("1");
  const asked = cluster.readNamespace("shop");
  await answer("2");
  await answer("3");
  assert.equal(await versionOf(asked), "3");
  assert.equal(begun.length, 3);
});

test("shareReads() tells objects apart", async () => {
  const { begun, cluster } = setUp();
  void cluster.readNamespace("shop");
  void cluster.readNamespace("bank");
  void cluster.readServiceAccount("shop", "app");
  void cluster.readServiceAccount("shop", "job");
  assert.deepEqual(begun, ["shop", "bank", "shop/app", "shop/job"]);
});

test("shareReads() reads again after a read that failed, and fails only for those who shared it", async () => {
  const { cluster, answer, fail } = setUp();
  const first = cluster.readNamespace("shop");
  const second = cluster.readNamespace("shop");
  const failed = assert.rejects(first, /it cannot be reached/);
  await fail();
  await failed;
  await answer("2");
  assert.equal(await versionOf(second), "2");
});

test("shareReads() waits at most 500 ms for a read that hangs", async () => {
  const { clock, begun, cluster } = setUp();
  void cluster.readNamespace("shop");
  void cluster.readNamespace("shop");
  await clock.advance(499);
  assert.equal(begun.length, 1);
  await clock.advance(1);
  assert.equal(begun.length, 2);
});
