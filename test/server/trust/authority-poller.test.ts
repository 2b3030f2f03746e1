import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { createAuthorityPoller, type SigningTrust } from "../../../src/server/trust/authority-poller.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const UNREADABLE = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot read the Secret: the API server is down");

function makeTrust(commonName: string, now: number): SigningTrust {
  const authority = createAuthority({ commonName, now, lifetimeMs: 240 * 3_600_000 });
  return { authority, bundlePem: authority.certificatePem };
}

/** A poller whose CA is `source.answer`; "fails" stands for a CA that cannot be read. */
function setUp(answer: SigningTrust | "fails") {
  const clock = createFakeClock();
  const source = { answer, publishFails: false };
  const published: string[] = [];
  const checks: string[] = [];
  const poller = createAuthorityPoller({
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
  return { clock, source, published, checks, poller };
}

const NOW = createFakeClock().now();
const [FIRST, SECOND] = [makeTrust("first", NOW), makeTrust("second", NOW)];

suite("createAuthorityPoller()", () => {
  test("retries every 2 s until it has a CA, and cannot sign before", async () => {
    const { clock, source, checks, poller } = setUp("fails");
    assert.throws(() => poller.current(), { code: "AUTHORITY_UNAVAILABLE" });
    const started = poller.start();
    await clock.advance(2_000);
    source.answer = FIRST;
    await clock.advance(2_000);
    await started;
    assert.equal(poller.current(), FIRST);
    assert.deepEqual(checks, ["failed", "failed", "ok"]);
    await poller.stop();
  });

  test("checks and publishes at once after checkNow()", async () => {
    const { clock, published, poller } = setUp(FIRST);
    poller.checkNow();
    assert.deepEqual(published, [], "not before start()");
    await poller.start();
    await clock.advance(0);
    assert.equal(published.length, 1);
    poller.checkNow();
    await clock.advance(0);
    assert.equal(published.length, 2);
    await poller.stop();
  });

  test("publishes the bundle 2 s after a failed first attempt, and can sign meanwhile", async () => {
    const { clock, source, published, checks, poller } = setUp(FIRST);
    source.publishFails = true;
    await poller.start();
    assert.equal(poller.current(), FIRST);
    source.publishFails = false;
    await clock.advance(2_000);
    assert.deepEqual([checks, published], [["failed", "ok"], [FIRST.bundlePem]]);
    await poller.stop();
  });

  test("start() resolves when stop() is called before there is a CA", async () => {
    const { clock, poller } = setUp("fails");
    const started = poller.start();
    await clock.advance(0);
    await poller.stop();
    await started;
    assert.throws(() => poller.current(), { code: "AUTHORITY_UNAVAILABLE" });
  });

  test("notifies listeners of changes only, publishes at each check, and keeps the CA when a check fails", async () => {
    const { clock, source, published, poller } = setUp(FIRST);
    let changes = 0;
    await poller.start();
    poller.onChange(() => changes++);
    await clock.advance(60_000);
    assert.deepEqual([changes, published.length], [0, 2]);
    source.answer = "fails";
    await clock.advance(60_000);
    assert.equal(poller.current(), FIRST);
    source.answer = SECOND;
    await clock.advance(2_000);
    assert.deepEqual([changes, published.at(-1)], [1, SECOND.bundlePem]);
    await poller.stop();
  });
});
