// Records of refusals: counting, bounds, and the text that the replicas share.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { RefusalRecord } from "../../../src/protocol/state/model.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import {
  addRefusals,
  boundRefusals,
  encodeRefusals,
  REFUSAL_LIMITS,
  refusalsInData,
  toRefusalRecord,
} from "../../../src/server/state/refusal-records.ts";
import { exampleRefusal } from "../../protocol/state/pages.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const timeOf = (minutes: number) => new Date(START + minutes * 60_000).toISOString();

/** Refusals of `namespace`, one each minute, the first after `from` minutes. */
function refusalsOf(namespace: string, count: number, from = 0, reason = "Cannot"): readonly RefusalRecord[] {
  return Array.from({ length: count }, (_, index) => {
    const [pod, uid, time] = [`p-${index}`, `${namespace}-${index}`, timeOf(from + index)];
    return exampleRefusal({ namespace, pod, uid, time, reason });
  });
}

test("toRefusalRecord() cuts the reason", () => {
  const { time: _t, since: _s, count: _c, ...refusal } = exampleRefusal({ reason: "x".repeat(10_000) });
  const record = toRefusalRecord(refusal, START);
  assert.deepEqual([record.count, record.time, record.since, record.reason.length], [1, timeOf(0), timeOf(0), 500]);
});

test("toRefusalRecord() cuts the reason by its bytes in JSON, between characters", () => {
  for (const [character, length] of [
    // With the three dots at its end.
    ["\u0001", 85],
    ["é", 251],
    ["🔑", 251],
    ['"', 251],
  ] as const) {
    const { time: _t, since: _s, count: _c, ...refusal } = exampleRefusal({ reason: character.repeat(600) });
    const { reason } = toRefusalRecord(refusal, START);
    assert.deepEqual([reason.length, reason.isWellFormed()], [length, true], JSON.stringify(character));
  }
});

test("toRefusalRecord() cuts the reason between words, and shows that it did", () => {
  const { time: _t, since: _s, count: _c, ...refusal } = exampleRefusal({ reason: "no annotation ".repeat(50) });
  const { reason } = toRefusalRecord(refusal, START);
  assert.match(reason, /^(?:no annotation )+no\.\.\.$|^(?:no annotation )+no annotation\.\.\.$/);
  assert.ok(reason.length > 400 && reason.length <= 500, `${reason.length} characters`);
  const short = exampleRefusal({ reason: "no annotation" });
  assert.equal(toRefusalRecord(short, START).reason, "no annotation");
});

test("addRefusals() adds the counts of equal refusals, and keeps the first time and the last reason", () => {
  const [first] = refusalsOf("shop", 1);
  assert.ok(first);
  const again = { ...first, time: timeOf(5), since: timeOf(5), count: 2, reason: "the last" };
  assert.deepEqual(addRefusals([first], [again]), [{ ...again, since: first.since, count: first.count + 2 }]);
});

test("boundRefusals() leaves out what is older than 24 hours, and says so", () => {
  const rows = refusalsOf("shop", 120);
  const now = START + 25 * HOUR_MS;
  const bounded = boundRefusals({ recordedSince: timeOf(0), rows }, now);
  assert.equal(bounded.rows.length, 60);
  assert.equal(bounded.recordedSince, timeOf(60));
});

test("boundRefusals() removes the oldest of the namespace with most, so that one namespace cannot remove others'", () => {
  const quiet = refusalsOf("quiet", 3);
  const noisy = refusalsOf("noisy", 50, 10);
  const limits = { ...REFUSAL_LIMITS, rows: 20 };
  const { rows, recordedSince } = boundRefusals(
    { recordedSince: timeOf(0), rows: [...quiet, ...noisy] },
    START,
    limits,
  );
  assert.equal(rows.length, 20);
  assert.equal(rows.filter(({ namespace }) => namespace === "quiet").length, 3);
  assert.equal(recordedSince, timeOf(10 + 32), "complete from the last one that was removed");
});

test("boundRefusals() removes too many bytes from the namespace with most bytes, whoever has most records", () => {
  const wide = refusalsOf("wide", 75, 300, "\u0001".repeat(500));
  const { rows } = boundRefusals(
    { recordedSince: timeOf(0), rows: [...refusalsOf("narrow", 200, 0, "x".repeat(100)), ...wide] },
    START,
  );
  const countIn = (of: string) => rows.filter(({ namespace }) => namespace === of).length;
  assert.equal(countIn("narrow"), 200);
  assert.ok(countIn("wide") > 0 && countIn("wide") < 75, `${countIn("wide")}`);
});

test("boundRefusals() keeps the text within its bytes", () => {
  const rows = refusalsOf("shop", 2_000, 0, "é".repeat(500));
  const bounded = boundRefusals({ recordedSince: timeOf(0), rows }, START + HOUR_MS);
  const bytes = Buffer.byteLength(encodeRefusals(bounded));
  assert.ok(bytes <= REFUSAL_LIMITS.bytes && bytes > REFUSAL_LIMITS.bytes - 4_096, `${bytes}`);
  assert.ok(bounded.recordedSince > timeOf(0));
});

test("refusalsInData() returns what encodeRefusals() wrote, and nothing for any other text", () => {
  const records = { recordedSince: timeOf(0), rows: refusalsOf("shop", 2) };
  assert.deepEqual(refusalsInData({ "refusals.json": encodeRefusals(records) }), records);
  const others = [undefined, {}, ...["", "[]", "{", "{}"].map((text) => ({ "refusals.json": text }))];
  for (const data of others) assert.equal(refusalsInData(data), undefined);
});
