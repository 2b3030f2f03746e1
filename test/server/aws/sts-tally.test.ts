import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import type { AssumeRole, SessionCredentials } from "../../../src/server/aws/sts.ts";
import { createStsTally } from "../../../src/server/aws/sts-tally.ts";

const INPUT = {} as Parameters<AssumeRole>[0];

test("createStsTally() counts calls by result, and those that the limiter refused", async () => {
  const tally = createStsTally();
  const session = {} as SessionCredentials;
  assert.equal(await tally.counted(async () => session)(INPUT), session);
  const denied = tally.counted(() => Promise.reject(new PodroleError("STS_DENIED", "Cannot")));
  await assert.rejects(denied(INPUT), { code: "STS_DENIED" });
  const failed = tally.counted(() => Promise.reject(new TypeError("x")));
  await assert.rejects(failed(INPUT), TypeError);
  for (const reason of ["rate", "rate", "pause"] as const) tally.heldBack(reason);
  assert.deepEqual(tally.counts(), {
    results: { OK: 1, STS_DENIED: 1, INTERNAL: 1 },
    heldBack: { rate: 2, pause: 1 },
  });
});
