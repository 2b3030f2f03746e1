import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { type CaBundleResult, startCaBundleReconciler } from "../../../src/server/trust/ca-bundle-reconciler.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";

/**
 * A reconciler whose API server returns `answers` one after the other, then "unchanged"; "failed" stands for an error.
 */
async function setUp(context: TestContext, answers: CaBundleResult[] = []) {
  const clock = createFakeClock();
  const written: string[] = [];
  const results: CaBundleResult[] = [];
  const trust = { bundlePem: "first" };
  const reconciler = startCaBundleReconciler(
    {
      kubernetes: {
        async setCaBundle(name, caBundlePem) {
          written.push(`${name}: ${caBundlePem}`);
          const answer = answers.shift() ?? "unchanged";
          if (answer === "failed") throw new TypeError("the API server is unavailable");
          return answer;
        },
      },
      clock,
      log: createKeptLog().log,
      bundlePem: () => trust.bundlePem,
      onResult: (result) => results.push(result),
    },
    { name: "podrole" },
  );
  context.after(() => reconciler.stop());
  await clock.advance(0);
  return { clock, written, results, trust, reconciler };
}

test("startCaBundleReconciler() writes the bundle at start and checks it each minute", async (context) => {
  const { clock, written, results } = await setUp(context, ["changed"]);
  assert.deepEqual(written, ["podrole: first"]);
  await clock.advance(59_000);
  assert.equal(written.length, 1);
  await clock.advance(1_000);
  assert.deepEqual(results, ["changed", "unchanged"]);
});

test("checkNow() writes a changed bundle at once", async (context) => {
  const { clock, written, trust, reconciler } = await setUp(context);
  trust.bundlePem = "second";
  reconciler.checkNow();
  await clock.advance(0);
  assert.deepEqual(written, ["podrole: first", "podrole: second"]);
});

for (const result of ["failed", "conflict", "absent"] as const) {
  test(`startCaBundleReconciler() retries after 5 s when a check ends in "${result}"`, async (context) => {
    const { clock, results } = await setUp(context, [result]);
    await clock.advance(5_000);
    assert.deepEqual(results, [result, "unchanged"]);
  });
}

test("stop() ends the checks", async (context) => {
  const { clock, written, reconciler } = await setUp(context);
  await reconciler.stop();
  await clock.advance(120_000);
  assert.equal(written.length, 1);
});
