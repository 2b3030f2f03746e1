import assert from "node:assert/strict";
import { test } from "node:test";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { dueInMs, type EndedRenewal, waitAfter } from "../../../src/sidecar/renewal/times.ts";

const NOW = 1_000_000;
const SECOND = 1_000;
const MINUTE = 60_000;
const RENEWED: Renewal = { outcome: "renewed" };
const RETRYABLE: Renewal = { outcome: "failed", code: "SERVER_UNREACHABLE", message: "", retryAfterMs: 0 };
const PERMANENT: Renewal = { outcome: "refused", code: "ROLE_FORBIDDEN", message: "", retryAfterMs: 0 };

function ended(renewal: Renewal, agoMs: number, waitMs = 0): EndedRenewal {
  return { renewal, endedAt: NOW - agoMs, waitMs };
}

const CASES: readonly {
  readonly what: string;
  readonly last?: EndedRenewal;
  readonly requested?: boolean;
  readonly renewAt?: number;
  readonly expected: number;
}[] = [
  { what: "the stored credentials before the first renewal", renewAt: NOW + MINUTE, expected: MINUTE },
  { what: "missing credentials before the first renewal", renewAt: 0, expected: -NOW },
  { what: "a success", last: ended(RENEWED, MINUTE), renewAt: NOW + 30 * MINUTE, expected: 30 * MINUTE },
  { what: "a success that brought credentials which are due", last: ended(RENEWED, 200), renewAt: NOW, expected: 800 },
  { what: "a failure", last: ended(RETRYABLE, 3 * SECOND, 8 * SECOND), expected: 5 * SECOND },
  { what: "a failure after which the clock was set back", last: ended(RETRYABLE, -1, 8 * SECOND), expected: -Infinity },
  { what: "a request after a success", last: ended(RENEWED, 400), requested: true, expected: 600 },
  { what: "a request after a failure", last: ended(RETRYABLE, 400, MINUTE), requested: true, expected: 600 },
  {
    what: "a request after a permanent refusal",
    last: ended(PERMANENT, SECOND),
    requested: true,
    expected: 9 * SECOND,
  },
  {
    what: "a request after a failure with Retry-After",
    last: ended({ ...RETRYABLE, retryAfterMs: 20 * SECOND }, 0),
    requested: true,
    expected: 20 * SECOND,
  },
];
for (const { what, last, requested = false, renewAt = 0, expected } of CASES) {
  test(`dueInMs() returns ${expected} for ${what}`, () => {
    assert.equal(dueInMs({ now: NOW, last, requested, renewAt }), expected);
  });
}

const WAITS: readonly (readonly [what: string, Renewal, { failures: number; ready: boolean }, expected: number])[] = [
  ["a success", RENEWED, { failures: 0, ready: true }, 0],
  ["the first failure", RETRYABLE, { failures: 1, ready: true }, SECOND],
  ["the fourth failure", RETRYABLE, { failures: 4, ready: true }, 8 * SECOND],
  ["many failures", RETRYABLE, { failures: 40, ready: true }, MINUTE],
  ["the first failure of a pod without credentials", RETRYABLE, { failures: 1, ready: false }, 250],
  ["many failures of a pod without credentials", RETRYABLE, { failures: 40, ready: false }, 10 * SECOND],
  ["a permanent refusal", PERMANENT, { failures: 1, ready: true }, MINUTE],
  ["a permanent refusal of a pod without credentials", PERMANENT, { failures: 1, ready: false }, 250],
  ["a short Retry-After", { ...RETRYABLE, retryAfterMs: 10 }, { failures: 1, ready: true }, SECOND],
  ["a long Retry-After", { ...RETRYABLE, retryAfterMs: 90 * SECOND }, { failures: 1, ready: true }, 90 * SECOND],
];
for (const [what, renewal, state, expected] of WAITS) {
  test(`waitAfter() returns ${expected} after ${what}`, () => {
    assert.equal(
      waitAfter(renewal, state, () => 0.5),
      expected,
    );
  });
}
