import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { timeParser } from "../../../src/cli/arguments/audit-options.ts";

suite("timeParser()", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  for (const [given, expected] of [
    ["2h", "2026-11-26T10:00:00.000Z"],
    ["1h30m", "2026-11-26T10:30:00.000Z"],
    ["7d", "2026-11-19T12:00:00.000Z"],
    ["1d12h", "2026-11-25T00:00:00.000Z"],
    ["2026-11-26T08:00:00+02:00", "2026-11-26T06:00:00.000Z"],
  ] as const) {
    test(`accepts ${given}`, () => assert.equal(new Date(timeParser(now).parse(given) ?? 0).toISOString(), expected));
  }
  for (const given of ["", "h", "-2h", "2w", "yesterday", "2026", "2026-13-40T00:00:00Z"]) {
    test(`refuses "${given}"`, () => assert.equal(timeParser(now).parse(given), undefined));
  }
});
