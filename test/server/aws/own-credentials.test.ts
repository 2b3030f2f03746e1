// The sources of the server's own credentials, each as real as one machine allows: a metadata service, a web identity that
// STS verifies, a container endpoint, a process. The credentials of each must sign a request that the STS emulator accepts,
// and must be fetched again before they expire; if a source fails, pods get a retryable error.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { withEnvironment } from "../environment.ts";
import { type Fixture, MINUTE, ORDERS, SOURCES, setUp } from "./credential-sources.ts";

/** Outcomes of the AssumeRole calls, in order: the emulator has verified each signature. */
const outcomesOf = ({ emulator }: Fixture) => emulator.calls.assumed(ORDERS.roleArn).map(({ outcome }) => outcome);

/**
 * Never the exact end of a lifetime: at that millisecond the SDK still signs with credentials that STS no longer accepts,
 * unless a renewal in the background, which a busy machine delays, has replaced them.
 */
const STEP_MS = 4 * MINUTE + 1_000;

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
      for (let elapsedMs = 0; elapsedMs < 150 * MINUTE; elapsedMs += STEP_MS) {
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
  await new Promise<void>((resolve) => void endpoint.listen(0, "127.0.0.1", resolve));
  context.after(() => endpoint.close());
  const { port } = endpoint.address() as AddressInfo;
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
