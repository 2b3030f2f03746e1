// Both sides of the socket between podrole-sidecar and its postStart hook.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { createHookRenewal, type OfferDeps, offerRenewal } from "../../../src/sidecar/renewal/hook-renewal.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";

const RENEWED: Renewal = { outcome: "renewed" };
const never = () => new AbortController().signal;

async function setUp(t: TestContext) {
  const identityDirectory = createTemporaryDirectory(t);
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const written: string[] = [];
  const run = createHookRenewal(
    { clock, log, write: (line) => written.push(line) },
    { identityDirectory, connectMs: 5_000, deadlineMs: 30_000 },
  );
  /** Offers again and again, as the hook does, until the sidecar listens. */
  async function offer(renew: OfferDeps["renew"], signal = never()) {
    for (;;) {
      const outcome = await offerRenewal({ renew, signal }, { identityDirectory });
      if (outcome !== "unwanted") return outcome;
      await sleep(5);
    }
  }
  return { identityDirectory, clock, lines, written, run, offer, path: join(identityDirectory, "hook.sock") };
}

function failureOf(renewal: Renewal | undefined): string | undefined {
  return renewal?.outcome === "failed" ? renewal.code : undefined;
}

test("createHookRenewal() has the hook renew once, forwards its log, and removes the socket", async (t) => {
  const { run, offer, written, path } = await setUp(t);
  const result = run(never());
  const outcome = await offer(async (write) => {
    write('{"level":30,"message":"from the hook"}\n');
    return { outcome: "failed", code: "STS_DENIED", message: "no\nnewline", retryAfterMs: 7 };
  });
  assert.equal(outcome, "renewed");
  assert.deepEqual(await result, { outcome: "failed", code: "STS_DENIED", message: "no\nnewline", retryAfterMs: 7 });
  assert.deepEqual(written, ['{"level":30,"message":"from the hook"}\n']);
  assert.equal(existsSync(path), false);
});

test("createHookRenewal() replaces the socket that a killed sidecar left behind", async (t) => {
  const { run, offer, path } = await setUp(t);
  await writeFile(path, "");
  const result = run(never());
  assert.equal(await offer(async () => RENEWED), "renewed");
  assert.deepEqual(await result, RENEWED);
});

test("createHookRenewal() returns nothing when no hook connects within its time, and closes the socket", async (t) => {
  const { run, clock, identityDirectory } = await setUp(t);
  const result = run(never());
  await clock.advance(5_000);
  assert.equal(await result, undefined);
  const late = await offerRenewal({ renew: async () => RENEWED, signal: never() }, { identityDirectory });
  assert.equal(late, "unwanted");
});

test("createHookRenewal() returns nothing when the socket cannot be opened, and logs why", async (t) => {
  const { run, identityDirectory, lines } = await setUp(t);
  await rm(identityDirectory, { recursive: true });
  assert.equal(await run(never()), undefined);
  assert.equal(lines.length, 1);
});

test("createHookRenewal() returns NOT_READY when the hook ends without an answer", async (t) => {
  const { run, path } = await setUp(t);
  const result = run(never());
  while (!existsSync(path)) await sleep(5);
  const hook = connect({ path });
  hook.once("data", () => hook.destroy());
  assert.equal(failureOf(await result), "NOT_READY");
});

for (const [what, end] of [
  ["at its deadline", async ({ clock }) => clock.advance(30_000)],
  ["when it is stopped", async ({ stop }) => stop()],
] as const satisfies readonly [
  string,
  (world: { clock: ReturnType<typeof createFakeClock>; stop: () => void }) => Promise<unknown>,
][]) {
  test(`createHookRenewal() abandons the hook ${what}, so that no other renewal runs beside it`, async (t) => {
    const { run, offer, clock } = await setUp(t);
    const stopping = new AbortController();
    const result = run(stopping.signal);
    const begun = Promise.withResolvers<void>();
    const outcome = offer(() => {
      begun.resolve();
      return new Promise(() => {});
    });
    await begun.promise;
    await end({ clock, stop: () => stopping.abort() });
    assert.equal(failureOf(await result), "NOT_READY");
    assert.equal(await outcome, "abandoned");
  });
}

test("createHookRenewal() asks one hook only", async (t) => {
  const { run, offer, identityDirectory } = await setUp(t);
  const result = run(never());
  const asked: number[] = [];
  const finish = Promise.withResolvers<Renewal>();
  const begun = Promise.withResolvers<void>();
  const first = offer(() => {
    asked.push(1);
    begun.resolve();
    return finish.promise;
  });
  await begun.promise;
  const renew = async () => {
    asked.push(2);
    return RENEWED;
  };
  assert.equal(await offerRenewal({ renew, signal: never() }, { identityDirectory }), "unwanted");
  finish.resolve(RENEWED);
  assert.equal(await first, "renewed");
  assert.deepEqual(await result, RENEWED);
  assert.deepEqual(asked, [1]);
});

test("offerRenewal() ends when the hook is stopped", async (t) => {
  const { run, offer } = await setUp(t);
  const result = run(never());
  const stopping = new AbortController();
  const outcome = offer(() => {
    stopping.abort();
    return new Promise(() => {});
  }, stopping.signal);
  assert.equal(await outcome, "abandoned");
  assert.equal(failureOf(await result), "NOT_READY");
});
