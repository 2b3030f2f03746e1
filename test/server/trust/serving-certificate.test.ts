import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { suite, type TestContext, test } from "node:test";
import { BACKDATE_MS } from "../../../src/pki/bundle.ts";
import { type Authority, createAuthority } from "../../../src/pki/certificate.ts";
import { isValidAt } from "../../../src/pki/chain.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { createAuthorityPoller } from "../../../src/server/trust/authority-poller.ts";
import { startServingCertificate } from "../../../src/server/trust/serving-certificate.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

const TTL = 10 * MINUTE_MS;

function authorityAt(now: number, lifetimeMs = 100 * HOUR_MS): Authority {
  return createAuthority({ commonName: `CA of ${now}`, now, lifetimeMs });
}

/** A CA that is valid at every time to which a test sets the clock. */
function authorityOfYesterday(): Authority {
  return authorityAt(createFakeClock().now() - 24 * HOUR_MS);
}

async function setUp(context: TestContext, authority?: Authority) {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const state = { authority: authority ?? authorityAt(clock.now()) };
  const readTrust = async () => ({ authority: state.authority, bundlePem: state.authority.certificatePem });
  const poller = createAuthorityPoller({ readTrust, publish: async () => {}, clock, log, onCheck: () => {} });
  context.after(() => poller.stop());
  await poller.start();
  const serving = startServingCertificate(
    { poller, clock, log },
    { dnsNames: ["podrole-server"], ipAddresses: [], lifetimeMs: TTL },
  );
  context.after(() => serving.stop());
  const leaf = () => new X509Certificate(serving.current().certificatePem);
  const errors = () => lines.filter(({ level }) => level === 50);
  return { clock, state, serving, leaf, errors };
}

suite("startServingCertificate()", () => {
  test("renews at half of the lifetime, and notifies its listeners", async (context) => {
    const { clock, serving, leaf } = await setUp(context);
    const before = leaf().serialNumber;
    let changes = 0;
    serving.onChange(() => changes++);
    await clock.advance(TTL / 2 - 1);
    assert.deepEqual([leaf().serialNumber, changes], [before, 0]);
    await clock.advance(1);
    assert.notEqual(leaf().serialNumber, before);
    assert.equal(changes, 1);
    assert.equal(serving.expiresInMs(), TTL);
  });

  test("shows an expired certificate for at most 30 s after the machine was suspended", async (context) => {
    const { clock, serving, leaf } = await setUp(context);
    clock.suspend(2 * HOUR_MS);
    assert.equal(serving.expiresInMs(), TTL - 2 * HOUR_MS);
    await clock.advance(30_000);
    assert.ok(leaf().validToDate.getTime() > clock.now());
    assert.ok(serving.expiresInMs() > 0);
  });

  test("is valid again within 5 s after a clock that was hours ahead is set right", async (context) => {
    const { clock, leaf, errors } = await setUp(context, authorityOfYesterday());
    clock.step(-2 * HOUR_MS);
    await clock.advance(5_000);
    assert.ok(isValidAt(leaf(), clock.now()));
    assert.deepEqual(errors(), []);
  });

  for (const [direction, stepMs] of [
    ["ahead", 2 * HOUR_MS],
    ["back", -2 * HOUR_MS],
  ] as const) {
    test(`is valid by the right time and by the wrong one while the clock is hours ${direction}`, async (context) => {
      const { clock, serving, leaf } = await setUp(context, authorityOfYesterday());
      clock.step(stepMs);
      await clock.advance(5_000);
      assert.ok(isValidAt(leaf(), clock.now()));
      assert.ok(isValidAt(leaf(), clock.now() - stepMs));
      assert.ok(serving.expiresInMs() > 0);
      clock.step(-stepMs);
      assert.ok(isValidAt(leaf(), clock.now()));
      await clock.advance(30_000);
      assert.ok(isValidAt(leaf(), clock.now()));
    });
  }

  test("has its usual lifetime again half of it after the last step of the clock", async (context) => {
    const { clock, leaf } = await setUp(context, authorityOfYesterday());
    clock.step(2 * HOUR_MS);
    await clock.advance(TTL);
    assert.equal(leaf().validToDate.getTime() - leaf().validFromDate.getTime(), TTL + BACKDATE_MS);
  });

  test("renews in time although the wall clock is set back by hours", async (context) => {
    const { clock, serving, leaf } = await setUp(context, authorityOfYesterday());
    clock.step(-2 * HOUR_MS);
    await clock.advance(5_000);
    const before = leaf().serialNumber;
    await clock.advance(TTL / 2 - 5_000);
    assert.ok(serving.expiresInMs() >= TTL / 2, "counted on the clock that was not set back");
    assert.equal(leaf().serialNumber, before);
    await clock.advance(5_000);
    assert.notEqual(leaf().serialNumber, before);
  });

  test("waits while the clock is behind the CA's validity, and logs both times", async (context) => {
    const { clock, serving, errors } = await setUp(context, authorityAt(createFakeClock().now() + 2 * HOUR_MS));
    let isReady = false;
    void serving.ready.then(() => {
      isReady = true;
    });
    await clock.advance(MINUTE_MS);
    assert.equal(isReady, false);
    assert.throws(() => serving.current(), { code: "AUTHORITY_UNAVAILABLE" });
    assert.ok(serving.expiresInMs() < 0);
    assert.equal(errors().length, 7, "one line each 10 s");
    assert.match(
      JSON.stringify(errors()[0]?.["err"]),
      /it is only valid from 2026-01-01T01:55:00Z, and this machine's clock shows 2026-01-01T00:00:00Z; expected clocks that agree/,
    );
    clock.step(2 * HOUR_MS);
    await clock.advance(30_000);
    assert.equal(isReady, true);
    assert.ok(serving.expiresInMs() > 0);
  });

  test("logs a renewal that fails, keeps the certificate, and renews when the CA can sign again", async (context) => {
    const { clock, state, serving, leaf, errors } = await setUp(
      context,
      authorityAt(createFakeClock().now(), 4 * MINUTE_MS),
    );
    const before = leaf().serialNumber;
    clock.suspend(HOUR_MS);
    await clock.advance(MINUTE_MS);
    assert.match(JSON.stringify(errors()[0]?.["err"]), /it is only valid until/);
    assert.equal(leaf().serialNumber, before);
    assert.ok(serving.expiresInMs() < 0);
    state.authority = authorityAt(clock.now());
    await clock.advance(MINUTE_MS);
    assert.notEqual(leaf().serialNumber, before);
    assert.ok(serving.expiresInMs() > 0);
  });
});
