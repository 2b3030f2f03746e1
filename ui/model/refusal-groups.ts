// Refusals by code: those that go on, then those that are over, each with its first and last time and how many there
// were in between. Pure.
import type { PodRow, RefusedRow } from "../../src/operations/status/model.ts";
import { type RowsByPod, refusalStateOf, refusalWorstFirst } from "./cause.ts";
import { isMaker } from "./maker.ts";
import type { HoldState } from "./state.ts";
import { MINUTE_MS } from "./time.ts";

/** Refusals of one code. */
export interface RefusalGroup {
  readonly code: string;
  /** The worst first, then the newest. */
  readonly rows: readonly [RefusedRow, ...RefusedRow[]];
  /** The worst state of their containers; "over" if all have credentials now, or another problem. */
  readonly state: HoldState | "over";
  readonly count: number;
  /** Absent if no time is known. */
  readonly first?: string;
  readonly last?: string;
}

/** When it is, and the pods of the same reading. */
export interface GroupContext {
  readonly pods: RowsByPod;
  readonly now: number;
}

/** Groups of what goes on, and of what is over. */
export interface RefusalGroups {
  readonly current: readonly RefusalGroup[];
  readonly over: readonly RefusalGroup[];
}

/** Groups refusals by code; a code of which some go on and others are over has a group of both kinds. */
export function refusalGroups(refusals: readonly RefusedRow[], context: GroupContext): RefusalGroups {
  const sorted = refusals.toSorted((a, b) => refusalWorstFirst(a, b, context));
  const groups = [...Map.groupBy(sorted, (row) => `${isOver(row, context) ? "over" : ""} ${row.code}`).values()];
  const made = groups.flatMap(([first, ...others]) =>
    first === undefined ? [] : [groupOf([first, ...others], context)],
  );
  return {
    current: made.filter(({ state }) => state !== "over"),
    over: made.filter(({ state }) => state === "over"),
  };
}

function isOver(row: RefusedRow, { pods, now }: GroupContext): boolean {
  return refusalStateOf(row, pods, now) === "over";
}

function groupOf(rows: RefusalGroup["rows"], { pods, now }: GroupContext): RefusalGroup {
  const [worst] = rows;
  const known = (times: readonly (string | undefined)[]) =>
    times.filter((time): time is string => !Number.isNaN(Date.parse(time ?? ""))).toSorted();
  const first = known(rows.map(({ since, time }) => since ?? time))[0];
  const last = known(rows.map(({ time }) => time)).at(-1);
  return {
    code: worst.code,
    rows,
    state: refusalStateOf(worst, pods, now),
    count: rows.reduce((sum, { count }) => sum + count, 0),
    ...(first !== undefined && { first }),
    ...(last !== undefined && { last }),
  };
}

/**
 * Returns the refusals with one for each last code of a container that they lack: records end after a day, and what
 * one replica knows may not have reached the others.
 */
export function withLastCodes(refusals: readonly RefusedRow[], pods: readonly PodRow[]): readonly RefusedRow[] {
  const keyOf = ({ namespace, pod, code }: Pick<RefusedRow, "namespace" | "pod" | "code">) =>
    JSON.stringify([namespace, pod, code]);
  const known = new Set(refusals.map(keyOf));
  const lacking = pods.flatMap(({ code, ...row }) =>
    code === undefined || known.has(keyOf({ ...row, code })) ? [] : [lastRefusalOf({ ...row, code })],
  );
  return lacking.length === 0 ? refusals : [...refusals, ...lacking];
}

function lastRefusalOf(row: PodRow & { readonly code: string }): RefusedRow {
  const { namespace, pod, container, role, code, message = "", next, furtherSteps } = row;
  return {
    ...{ time: "", count: 1, namespace, pod, container, code, message, from: "server" },
    ...(role !== undefined && { role }),
    ...(next !== undefined && { next }),
    ...(furtherSteps !== undefined && { furtherSteps }),
  };
}

/** Attempts, pods, and workloads whose pods were not created: "26 refusals of 5 pods and 1 workload". */
export function refusalCounts(rows: readonly RefusedRow[]): string {
  const [workloads = 0, pods = 0] = [true, false].map((ofMakers) => {
    const found = rows.filter(({ pod }) => isMaker(pod) === ofMakers);
    return new Set(found.map(({ namespace, pod }) => `${namespace}/${pod}`)).size;
  });
  const attempts = rows.reduce((sum, { count }) => sum + count, 0);
  const countOf = (count: number, unit: string) => `${count.toLocaleString("en")} ${unit}${count === 1 ? "" : "s"}`;
  const of = [pods > 0 ? countOf(pods, "pod") : "", workloads > 0 ? countOf(workloads, "workload") : ""];
  return [countOf(attempts, "refusal"), of.filter(Boolean).join(" and ")].filter(Boolean).join(" of ");
}

/** Lengths of a spark line's axis, in minutes. */
const SPANS = [10, 30, 60, 180, 360, 720, 1_440];
const SPARK_BARS = 24;

/** Returns the shortest axis that has the first of all groups, in milliseconds. */
export function sparkSpan(groups: readonly RefusalGroup[], now: number): number {
  const first = Math.min(now, ...groups.map(({ first: time }) => Date.parse(time ?? "")).filter(Number.isFinite));
  const minutes = SPANS.find((each) => now - first <= each * MINUTE_MS) ?? SPANS.at(-1) ?? 0;
  return minutes * MINUTE_MS;
}

/** The axis of spark lines: its length in milliseconds, and its end (Unix milliseconds). */
export interface SparkAxis {
  readonly span: number;
  readonly now: number;
}

/**
 * Returns how many refusals each bar of a spark line has, in the `span` milliseconds before `now`. Of the refusals of
 * one container the first and the last are known: the others are put between them at equal distances.
 */
export function sparkCounts(rows: readonly RefusedRow[], { span, now }: SparkAxis): readonly number[] {
  const counts = Array.from({ length: SPARK_BARS }, () => 0);
  const begin = now - span;
  const width = span / SPARK_BARS;
  for (const { since, time, count } of rows) {
    const last = Math.min(now, Date.parse(time));
    if (Number.isNaN(last)) continue;
    const first = Math.min(Date.parse(since ?? time), last);
    const distance = (last - first) / Math.max(1, count - 1);
    const before = (end: number) =>
      end > last ? count : Math.max(0, distance === 0 ? 0 : Math.ceil((end - first) / distance));
    for (const [index, found] of counts.entries()) {
      const from = begin + index * width;
      // The last bar has its end too.
      const to = index === SPARK_BARS - 1 ? Infinity : from + width;
      counts[index] = found + before(to) - before(from);
    }
  }
  return counts;
}
