// The sources of the server's own credentials, each as real as one machine allows: a metadata service, a web identity
// that STS verifies, a container endpoint, a process. The credentials of each must sign a request that the STS emulator
// accepts, and must be fetched again before they expire; if a source fails, pods get a retryable error.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { MINUTE_MS } from "../../../src/runtime/clock.ts";
import { startOwnCredentialsCheck } from "../../../src/server/aws/own-credentials.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { withEnvironment } from "../environment.ts";
import { type Fixture, ORDERS, SOURCES, setUp } from "./credential-sources.ts";

/** Outcomes of the AssumeRole calls, in order: the emulator has verified each signature. */
const outcomesOf = ({ emulator }: Fixture) => emulator.calls.assumed(ORDERS.roleArn).map(({ outcome }) => outcome);

/**
 * Never the exact end of a lifetime: at that millisecond the SDK still signs with credentials that STS no longer
 * accepts, unless a renewal in the background, which a busy machine delays, has replaced them.
 */
const STEP_MS = 4 * MINUTE_MS + 1_000;

for (const [source, { options, provide, denials }] of Object.entries(SOURCES)) {
  test(`createSts() assumes roles with credentials from ${source}`, async (context) => {
    const on = await setUp(context, options);
    await provide(on);
    assert.match((await on.sts.assumeRole(ORDERS)).accessKeyId, /^ASIA/);
    assert.match(await on.sts.callerArn(), /^arn:aws:sts::123456789012:assumed-role\/podrole-server\//);
    assert.deepEqual(outcomesOf(on), ["ok"]);
  });

  if (source !== "environment variables") {
    test(`createSts() fetches credentials from ${source} again before they expire, after a rotation too`, async (context) => {
      const on = await setUp(context, options);
      const rotate = await provide(on);
      await on.sts.assumeRole(ORDERS);
      const before = on.emulator.calls.assumed(ORDERS.roleArn)[0]?.callerArn;
      for (let elapsedMs = 0; elapsedMs < 150 * MINUTE_MS; elapsedMs += STEP_MS) {
        context.mock.timers.tick(STEP_MS);
        rotate();
        await on.sts.assumeRole(ORDERS);
      }
      const outcomes = new Set(outcomesOf(on));
      assert.deepEqual([...outcomes], ["ok"]);
      if (source === "IRSA") {
        const exchanges = on.emulator.calls.list().filter(({ action }) => action === "AssumeRoleWithWebIdentity");
        assert.ok(exchanges.length >= 3 && exchanges.length < 10, `${exchanges.length} exchanges`);
      } else assert.notEqual(on.emulator.calls.assumed(ORDERS.roleArn).at(-1)?.callerArn, before);
    });
  }

  for (const [fault, [prepare, expected]] of Object.entries(denials)) {
    test(`createSts() rejects with STS_UNAVAILABLE when ${fault} (${source}), and lists the accepted sources`, async (context) => {
      const on = await setUp(context, options);
      await prepare(on);
      await assert.rejects(on.sts.assumeRole(ORDERS), (error: Error & { code?: string }) => {
        assert.equal(error.code, "STS_UNAVAILABLE", error.message);
        assert.match(error.message, /the server's own AWS credentials: /);
        const text = `${error.message} ${(error.cause as Error | undefined)?.message}`;
        assert.match(text, expected);
        if (!/SignatureDoesNotMatch/.test(text)) assert.match(text, /expected one of.*IRSA.*instance profile/);
        return true;
      });
      assert.ok(!outcomesOf(on).includes("ok"));
    });
  }
}

test("createSts() lists every source that was tried when a second call joins a search that then fails", async (context) => {
  const { sts } = await setUp(context);
  let second: Promise<unknown> | undefined;
  const endpoint = createServer((_request, response) => {
    second ??= sts.assumeRole(ORDERS);
    response.writeHead(400).end("{}");
  });
  const port = await listenOnLoopback(context, endpoint);
  withEnvironment(context, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/` });
  const causeOf = (call: Promise<unknown> | undefined) =>
    call?.then(
      () => "none",
      (error: Error) => (error.cause as Error).message,
    );
  const first = await causeOf(sts.assumeRole(ORDERS));
  assert.match(first ?? "", /tried: .*environment variable/i);
  assert.equal(await causeOf(second), first);
});

/** Answers nothing while `isStalled`, then credentials. */
async function stallingEndpoint({ context, session }: Fixture) {
  const state = { isStalled: true, open: 0 };
  const endpoint = createServer((request, response) => {
    state.open += 1;
    request.socket.once("close", () => state.open--);
    if (state.isStalled) return;
    const { token: Token, ...rest } = session();
    response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ ...rest, Token }));
  });
  const port = await listenOnLoopback(context, endpoint);
  withEnvironment(context, { AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${port}/` });
  return state;
}

test("createSts() recovers from a container endpoint that stalled, and holds no connection to it", async (context) => {
  const on = await setUp(context, () => ({ timeoutMs: 300 }));
  const endpoint = await stallingEndpoint(on);
  for (let attempt = 0; attempt < 2; attempt++)
    await assert.rejects(on.sts.assumeRole(ORDERS), {
      code: "STS_UNAVAILABLE",
      message: /own AWS credentials: their source did not answer in time/,
    });
  while (endpoint.open > 0) await new Promise((resolve) => setImmediate(resolve));
  endpoint.isStalled = false;
  await until(async () => on.sts.findCredentials());
  await on.sts.assumeRole(ORDERS);
  assert.deepEqual(outcomesOf(on), ["ok"]);
});

test("createSts() recovers from a web identity exchange that stalled", async (context) => {
  const on = await setUp(context, () => ({ timeoutMs: 300 }));
  await SOURCES["IRSA"]?.provide(on);
  on.emulator.faults.set({ kind: "stall", ms: 60 * MINUTE_MS });
  await assert.rejects(on.sts.findCredentials(), { code: "STS_UNAVAILABLE", message: /did not answer in time/ });
  on.emulator.faults.clear();
  await until(async () => on.sts.findCredentials());
  await on.sts.assumeRole(ORDERS);
  assert.deepEqual(outcomesOf(on), ["ok"]);
});

test("startOwnCredentialsCheck() reports a problem until a check succeeds, and logs each change once", async (context) => {
  const clock = createFakeClock();
  const { log, lines } = createKeptLog();
  const stopped = new AbortController();
  context.after(() => stopped.abort());
  const source = { fails: false, checks: 0 };
  const own = startOwnCredentialsCheck({
    clock,
    log,
    signal: stopped.signal,
    async findCredentials() {
      source.checks += 1;
      if (source.fails) throw new PodroleError("STS_UNAVAILABLE", "Cannot find them: no answer");
    },
  });
  await clock.advance(MINUTE_MS);
  assert.deepEqual([own.lastProblem(), source.checks], [undefined, 2]);
  source.fails = true;
  await clock.advance(2 * MINUTE_MS);
  assert.equal(own.lastProblem(), "Cannot find them: no answer");
  source.fails = false;
  await clock.advance(10_000);
  assert.equal(own.lastProblem(), undefined);
  assert.deepEqual(
    lines.map(({ level, code }) => [level, code]),
    [
      [40, "STS_UNAVAILABLE"],
      [30, undefined],
    ],
  );
});

/** Waits until a call succeeds: the deadline of these tests is short, and the machine may be busy. */
async function until(call: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      await call();
      return;
    } catch {
      // The next attempt.
    }
  }
}
