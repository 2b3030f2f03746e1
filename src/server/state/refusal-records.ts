// Records of refusals as one text for the ConfigMap that the replicas share, bounded in age, number and bytes. Pure.
// What is in the ConfigMap is read as untrusted: whoever may write it can invent refusals, and nothing is decided from
// them.
import { decodeRefusals } from "../../protocol/state/decode.ts";
import { newestRefusalFirst, refusalKey } from "../../protocol/state/merge.ts";
import type { RefusalRecord, RefusalRecords } from "../../protocol/state/model.ts";
import { DAY_MS } from "../../runtime/clock.ts";
import { parseObject } from "../../runtime/json-object.ts";

/** Key of the records in the ConfigMap. */
export const REFUSALS_KEY = "refusals.json";

/** What the records may hold. */
export interface RefusalLimits {
  readonly rows: number;
  /** Of the text. */
  readonly bytes: number;
  readonly ageMs: number;
}

/** A ConfigMap holds up to 1 MiB. */
export const REFUSAL_LIMITS: RefusalLimits = { rows: 2_000, bytes: 256 * 1024, ageMs: DAY_MS };

/** Bytes of a reason in JSON, where a control character has six. The beginning names what was refused and why. */
const MAX_RECORDED_REASON_BYTES = 500;

/** Returns the record of one refusal at `now` (Unix milliseconds). */
export function toRefusalRecord(refusal: Omit<RefusalRecord, "time" | "since" | "count">, now: number): RefusalRecord {
  const time = new Date(now).toISOString();
  return { time, since: time, count: 1, ...refusal, reason: cutToJsonBytes(refusal.reason) };
}

/** Ends a reason that was cut. */
const CUT = "...";
/** Longer than a word, and than most ARNs. */
const MAX_WORD_LENGTH = 80;

/**
 * Returns the beginning of a reason that has at most MAX_RECORDED_REASON_BYTES in JSON, without its quotes. It is cut
 * between words, if the last one is not longer than a word of a message is.
 */
function cutToJsonBytes(reason: string): string {
  // Nearly all reasons are shorter, and counting by characters takes 40 µs.
  if (jsonBytes(reason) <= MAX_RECORDED_REASON_BYTES) return reason;
  let bytes = 0;
  let length = 0;
  for (const character of reason) {
    bytes += jsonBytes(character);
    if (bytes > MAX_RECORDED_REASON_BYTES - CUT.length) break;
    length += character.length;
  }
  const beginning = reason.slice(0, length);
  const lastSpace = beginning.lastIndexOf(" ");
  return `${length - lastSpace > MAX_WORD_LENGTH ? beginning : beginning.slice(0, lastSpace)}${CUT}`;
}

function jsonBytes(text: string): number {
  return Buffer.byteLength(JSON.stringify(text)) - 2;
}

/** Adds the counts of `more` to equal records of `records`. Unlike mergeRefusals(), of which each row is a view. */
export function addRefusals(
  records: readonly RefusalRecord[],
  more: readonly RefusalRecord[],
): readonly RefusalRecord[] {
  const rows = new Map(records.map((row) => [refusalKey(row), row]));
  for (const row of more) {
    const before = rows.get(refusalKey(row));
    rows.set(refusalKey(row), before ? { ...row, since: before.since, count: before.count + row.count } : row);
  }
  return [...rows.values()];
}

/**
 * Returns what the limits leave at `now` (Unix milliseconds), the newest first. While the text has too many bytes, the
 * oldest record of the namespace with most bytes goes; while there are too many records, that of the namespace with
 * most records. So one namespace cannot remove the records of the others. The records then count as complete from after
 * the removed one on.
 */
export function boundRefusals(
  { recordedSince, rows }: RefusalRecords,
  now: number,
  limits: RefusalLimits = REFUSAL_LIMITS,
): RefusalRecords {
  const oldest = new Date(now - limits.ageMs).toISOString();
  const left = rows.filter(({ time }) => time >= oldest).toSorted(newestRefusalFirst);
  const shares = [...Map.groupBy(left, ({ namespace }) => namespace).values()].map((own) => ({
    rows: own,
    bytes: own.reduce((sum, row) => sum + rowBytes(row), 0),
  }));
  let count = left.length;
  const emptyBytes = Buffer.byteLength(encodeRefusals({ recordedSince, rows: [] }));
  let bytes = shares.reduce((sum, share) => sum + share.bytes, emptyBytes);
  let since = recordedSince > oldest ? recordedSince : oldest;
  while (count > limits.rows || bytes > limits.bytes) {
    const isTooLong = bytes > limits.bytes;
    const heaviest = shares.reduce((most, other) =>
      (isTooLong ? other.bytes > most.bytes : other.rows.length > most.rows.length) ? other : most,
    );
    const dropped = heaviest.rows.pop();
    if (dropped === undefined) break;
    const droppedBytes = rowBytes(dropped);
    count -= 1;
    bytes -= droppedBytes;
    heaviest.bytes -= droppedBytes;
    if (dropped.time > since) since = dropped.time;
  }
  return { recordedSince: since, rows: shares.flatMap((share) => share.rows).toSorted(newestRefusalFirst) };
}

/** With the comma between rows. */
function rowBytes(row: RefusalRecord): number {
  return Buffer.byteLength(JSON.stringify(row)) + 1;
}

/** Returns the text for the ConfigMap. */
export function encodeRefusals({ recordedSince, rows }: RefusalRecords): string {
  return JSON.stringify({ recordedSince, rows });
}

/** Reads the ConfigMap's data; undefined if it holds no records, whatever it holds instead. */
export function refusalsInData(data: Readonly<Record<string, string>> | undefined): RefusalRecords | undefined {
  const fields = parseObject(data?.[REFUSALS_KEY] ?? "");
  return fields && decodeRefusals(fields)?.records;
}
