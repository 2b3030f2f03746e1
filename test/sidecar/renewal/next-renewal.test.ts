import assert from "node:assert/strict";
import { test } from "node:test";
import { MINUTE_MS, SECOND_MS } from "../../../src/runtime/clock.ts";
import { type DueInput, dueInMs, type EndedRenewal } from "../../../src/sidecar/renewal/next-renewal.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import type { RetryWaits } from "../../../src/sidecar/renewal/pace.ts";

const NOW = 1_000_000;
const RENEWED: Renewal = { outcome: "renewed" };
const FAILED: Renewal = { outcome: "failed", code: "SERVER_UNREACHABLE", message: "", retryAfterMs: 0 };
const WAITS: RetryWaits = {
  urgentMs: 2 * SECOND_MS,
  requestedMs: 3 * SECOND_MS,
  unhurriedMs: 8 * SECOND_MS,
  awayMs: 36 * SECOND_MS,
};

function ended(renewal: Renewal, agoMs: number): EndedRenewal {
  return { renewal, endedAt: NOW - agoMs, waits: renewal === RENEWED ? undefined : WAITS };
}

const CASES: readonly (Partial<DueInput> & { readonly what: string; readonly expected: number })[] = [
  { what: "the stored credentials before the first renewal", renewAt: NOW + MINUTE_MS, expected: MINUTE_MS },
  { what: "missing credentials before the first renewal", renewAt: 0, expected: -NOW },
  { what: "a success", last: ended(RENEWED, MINUTE_MS), renewAt: NOW + 30 * MINUTE_MS, expected: 30 * MINUTE_MS },
  { what: "a success that brought credentials which are due", last: ended(RENEWED, 200), renewAt: NOW, expected: 800 },
  { what: "a failure, with valid credentials", last: ended(FAILED, SECOND_MS), renewAt: NOW, expected: 7 * SECOND_MS },
  { what: "a failure, without credentials", last: ended(FAILED, SECOND_MS), expected: SECOND_MS },
  { what: "a request after a success", last: ended(RENEWED, 400), isRequested: true, expected: 600 },
  { what: "a request after a failure", last: ended(FAILED, SECOND_MS), isRequested: true, expected: 2 * SECOND_MS },
  {
    what: "a server that is away",
    last: ended(FAILED, SECOND_MS),
    isAway: true,
    isRequested: true,
    expected: 35 * SECOND_MS,
  },
];
for (const { what, expected, ...input } of CASES) {
  test(`dueInMs() returns ${expected} for ${what}`, () => {
    assert.equal(
      dueInMs({ now: NOW, last: undefined, isRequested: false, isAway: false, renewAt: 0, ...input }),
      expected,
    );
  });
}
