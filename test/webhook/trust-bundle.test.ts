import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { startTrustBundle } from "../../src/webhook/trust-bundle.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";

type Data = Readonly<Record<string, string>>;

/** Polls a ConfigMap whose content, or failure, the test changes. */
function start(context: TestContext, first: Data | undefined) {
  const state: { data: Data | undefined; fails?: true } = { data: first };
  const clock = createFakeClock();
  const stop = new AbortController();
  context.after(() => stop.abort());
  const { log, lines } = createKeptLog();
  const trust = startTrustBundle(
    {
      kubernetes: {
        async getConfigMap() {
          if (state.fails) throw new TypeError("the API server is unavailable");
          return state.data;
        },
      },
      clock,
      log,
      signal: stop.signal,
    },
    { namespace: "podrole", name: "podrole-trust" },
  );
  return { state, clock, trust, lines };
}

for (const [what, data, expected] of [
  ["on", { "pod-certificates": "on" }, true],
  ["off", { "pod-certificates": "off" }, false],
  ["another text", { "pod-certificates": "true" }, false],
  ["nothing", {}, false],
  ["no ConfigMap", undefined, false],
] as const) {
  test(`knowsPodCertificates() is ${expected} when the server has published ${what}`, async (context) => {
    const { clock, trust } = start(context, data);
    await clock.advance(0);
    assert.equal(trust.knowsPodCertificates(), expected);
  });
}

test("knowsPodCertificates() follows what is published, and keeps it while the API server is unavailable", async (context) => {
  const { state, clock, trust, lines } = start(context, { "pod-certificates": "on" });
  await clock.advance(0);
  state.fails = true;
  await clock.advance(1_000);
  assert.equal(trust.knowsPodCertificates(), true);
  delete state.fails;
  state.data = { "pod-certificates": "off" };
  await clock.advance(1_000);
  assert.equal(trust.knowsPodCertificates(), false);
  const reported = lines.filter(({ podCertificates }) => podCertificates !== undefined);
  assert.deepEqual(
    reported.map(({ podCertificates }) => podCertificates),
    ["on", "off"],
  );
});
