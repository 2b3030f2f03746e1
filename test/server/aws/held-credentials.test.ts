// What the server's STS client gets while the source of its own credentials answers, fails or hangs.
import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { holdCredentials } from "../../../src/server/aws/held-credentials.ts";
import { createFakeClock } from "../../fakes/clock.ts";

function setUp({ expires = true }: { readonly expires?: boolean } = {}) {
  const clock = createFakeClock();
  const searches: PromiseWithResolvers<{ readonly id: number; readonly expiration?: Date }>[] = [];
  const provide = holdCredentials({ clock }, () => {
    const search = Promise.withResolvers<{ readonly id: number; readonly expiration?: Date }>();
    searches.push(search);
    return search.promise;
  });
  /** Lets the last search find credentials that are valid for an hour. */
  const find = (id: number) =>
    searches.at(-1)?.resolve({ id, ...(expires && { expiration: new Date(clock.now() + 60 * MINUTE_MS) }) });
  /** The first credentials. */
  async function begin(): Promise<void> {
    const first = provide();
    find(1);
    assert.equal((await first).id, 1);
  }
  /** Returns the credentials that a caller gets at once. A caller that has to wait would let a test hang. */
  async function provideAtOnce(): Promise<number> {
    const credentials = await Promise.race([provide(), Promise.resolve(undefined)]);
    assert.ok(credentials, "the caller waits for a search; expected the credentials that are held");
    return credentials.id;
  }
  return { clock, searches, provide, provideAtOnce, find, begin };
}

test("holdCredentials() returns valid credentials at once while their source hangs, and searches once meanwhile", async () => {
  const { clock, searches, provideAtOnce, begin } = setUp();
  await begin();
  await clock.advance(56 * MINUTE_MS);
  for (let call = 0; call < 5; call++) {
    assert.equal(await provideAtOnce(), 1);
    await clock.advance(10_000);
  }
  assert.equal(searches.length, 2);
});

test("holdCredentials() returns what the search in the background has found", async () => {
  const { clock, searches, provideAtOnce, find, begin } = setUp();
  await begin();
  await clock.advance(56 * MINUTE_MS);
  assert.equal(await provideAtOnce(), 1);
  find(2);
  await clock.advance(1);
  assert.equal(await provideAtOnce(), 2);
  assert.equal(searches.length, 2);
});

test("holdCredentials() searches again some seconds after a search in the background has failed", async () => {
  const { clock, searches, provideAtOnce, begin } = setUp();
  await begin();
  await clock.advance(56 * MINUTE_MS);
  assert.equal(await provideAtOnce(), 1);
  searches.at(-1)?.reject(new Error("no answer"));
  await clock.advance(1_000);
  assert.equal(await provideAtOnce(), 1);
  assert.equal(searches.length, 2);
  await clock.advance(4_000);
  assert.equal(await provideAtOnce(), 1);
  assert.equal(searches.length, 3);
});

test("holdCredentials() rejects with the error of the search once the credentials are about to expire", async () => {
  const { clock, searches, provide, begin } = setUp();
  await begin();
  await clock.advance(60 * MINUTE_MS - 10_000);
  const late = provide();
  searches.at(-1)?.reject(new Error("no answer"));
  await assert.rejects(late, /no answer/);
});

test("holdCredentials() searches each time for credentials that do not expire, as the SDK caches those", async () => {
  const { searches, provide, find, begin } = setUp({ expires: false });
  await begin();
  const second = provide();
  find(2);
  assert.equal((await second).id, 2);
  assert.equal(searches.length, 2);
});
