// Where the server's own credentials may come from, each one real as far as this machine goes: a metadata service, a web
// identity that STS verifies, a container endpoint, a process. What comes out of it must sign a request that the STS
// emulator accepts, must be fetched anew before it expires, and when it cannot be had no pod is to blame.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setTimeout } from "node:timers/promises";
import { MINUTE, ORDERS, SOURCES, type Stage, stage } from "./credential-sources.ts";

/** Keys that AssumeRole was signed with, in order: the emulator has verified each signature. */
const callersOf = ({ emulator }: Stage) => emulator.calls.assumed(ORDERS.roleArn).map(({ outcome }) => outcome);

for (const [source, { options, provide, denials }] of Object.entries(SOURCES)) {
  test(`createSts() assumes roles with credentials from ${source}`, async (context) => {
    const on = await stage(context, options);
    await provide(on);
    assert.match((await on.sts.assumeRole(ORDERS)).accessKeyId, /^ASIA/);
    assert.match(await on.sts.callerArn(), /^arn:aws:sts::123456789012:assumed-role\/podrole-server\//);
    assert.deepEqual(callersOf(on), ["ok"]);
  });

  if (source !== "environment variables") {
    test(`createSts() fetches credentials from ${source} anew before they expire, with what was rotated`, async (context) => {
      const on = await stage(context, options);
      const rotate = await provide(on);
      await on.sts.assumeRole(ORDERS);
      const before = on.emulator.calls.assumed(ORDERS.roleArn)[0]?.callerArn;
      for (let minutes = 0; minutes < 150; minutes += 4) {
        context.mock.timers.tick(4 * MINUTE);
        rotate();
        await on.sts.assumeRole(ORDERS);
        // In its last five minutes the SDK renews beside the calls, and four of them pass here at once.
        await setTimeout(40);
      }
      const outcomes = new Set(callersOf(on));
      assert.deepEqual([...outcomes], ["ok"]);
      if (source === "IRSA") {
        const exchanges = on.emulator.calls.list().filter(({ action }) => action === "AssumeRoleWithWebIdentity");
        assert.ok(exchanges.length >= 3 && exchanges.length < 10, `${exchanges.length} exchanges`);
      } else assert.notEqual(on.emulator.calls.assumed(ORDERS.roleArn).at(-1)?.callerArn, before);
    });
  }

  for (const [fault, [prepare, words]] of Object.entries(denials)) {
    test(`createSts() blames no pod when ${fault} (${source}), and says what would do`, async (context) => {
      const on = await stage(context, options);
      await prepare(on);
      await assert.rejects(on.sts.assumeRole(ORDERS), (error: Error & { code?: string }) => {
        assert.equal(error.code, "STS_UNAVAILABLE", error.message);
        assert.match(error.message, /the server's own AWS credentials: /);
        const told = `${error.message} ${(error.cause as Error | undefined)?.message}`;
        assert.match(told, words);
        if (!/SignatureDoesNotMatch/.test(told)) assert.match(told, /expected one of.*IRSA.*instance profile/);
        return true;
      });
      assert.ok(!callersOf(on).includes("ok"));
    });
  }
}
