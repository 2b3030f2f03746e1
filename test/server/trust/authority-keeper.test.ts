import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { createAuthorityKeeper, type Trust } from "../../../src/server/trust/authority-keeper.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const UNREADABLE = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot read the Secret: the API server is down");

function makeTrust(commonName: string, now: number): Trust {
  const authority = createAuthority({ commonName, now, lifetimeMs: 240 * 3_600_000 });
  return { authority, bundlePem: authority.certificatePem };
}

/** A keeper whose CA is `source.answer`; "fails" stands for a CA that cannot be read. */
function stage(answer: Trust | "fails") {
  const clock = createFakeClock();
  const source = { answer, publishFails: false };
  const published: string[] = [];
  const checks: string[] = [];
  const keeper = createAuthorityKeeper({
    readTrust: async () => {
      if (source.answer === "fails") throw UNREADABLE;
      return source.answer;
    },
    publish: async (bundlePem) => {
      if (source.publishFails) throw UNREADABLE;
      published.push(bundlePem);
    },
    clock,
    log: createKeptLog().log,
    onCheck: (result) => checks.push(result),
  });
  return { clock, source, published, checks, keeper };
}

const NOW = createFakeClock().now();
const [FIRST, SECOND] = [makeTrust("first", NOW), makeTrust("second", NOW)];

suite("createAuthorityKeeper()", () => {
  test("retries every 2 s until it has a CA, and cannot sign before", async () => {
    const { clock, source, checks, keeper } = stage("fails");
    assert.throws(() => keeper.current(), { code: "AUTHORITY_UNAVAILABLE" });
    const started = keeper.start();
    await clock.advance(2_000);
    source.answer = FIRST;
    await clock.advance(2_000);
    await started;
    assert.equal(keeper.current(), FIRST);
    assert.deepEqual(checks, ["failed", "failed", "ok"]);
    await keeper.stop();
  });

  test("publishes the bundle 2 s after a failed first attempt, and can sign meanwhile", async () => {
    const { clock, source, published, checks, keeper } = stage(FIRST);
    source.publishFails = true;
    await keeper.start();
    assert.equal(keeper.current(), FIRST);
    source.publishFails = false;
    await clock.advance(2_000);
    assert.deepEqual([checks, published], [["failed", "ok"], [FIRST.bundlePem]]);
    await keeper.stop();
  });

  test("start() resolves when stop() is called before there is a CA", async () => {
    const { clock, keeper } = stage("fails");
    const started = keeper.start();
    await clock.advance(0);
    await keeper.stop();
    await started;
    assert.throws(() => keeper.current(), { code: "AUTHORITY_UNAVAILABLE" });
  });

  test("notifies listeners of changes only, publishes at each check, and keeps the CA when a check fails", async () => {
    const { clock, source, published, keeper } = stage(FIRST);
    let changes = 0;
    await keeper.start();
    keeper.onChange(() => changes++);
    await clock.advance(60_000);
    assert.deepEqual([changes, published.length], [0, 2]);
    source.answer = "fails";
    await clock.advance(60_000);
    assert.equal(keeper.current(), FIRST);
    source.answer = SECOND;
    await clock.advance(2_000);
    assert.deepEqual([changes, published.at(-1)], [1, SECOND.bundlePem]);
    await keeper.stop();
  });
});
