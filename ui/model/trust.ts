// The CAs and the steps of their rotation on one timeline. Pure.
import type { TrustRow } from "../../src/operations/status/model.ts";
import type { UiRotation, UiSnapshot } from "../../src/operations/ui/model.ts";
import { timeTicks } from "./time.ts";

/** One CA as a bar. Parts are of the line's whole length, from 0 to 1. */
export interface TrustBar {
  readonly row: TrustRow;
  readonly title: string;
  readonly meaning: string;
  readonly from: number;
  readonly to: number;
  readonly isExpired: boolean;
}

/** A point in time on the line. */
export interface TrustMark {
  readonly at: number;
  readonly time: string;
  readonly label: string;
}

/** A date on the scale. */
export interface TimeTick {
  readonly at: number;
  readonly label: string;
}

/** The line. */
export interface TrustLine {
  readonly bars: readonly TrustBar[];
  readonly marks: readonly TrustMark[];
  /** Dates on its scale. */
  readonly ticks: readonly TimeTick[];
  readonly now: number;
}

const SLOT_TEXTS: Readonly<Record<NonNullable<TrustRow["slot"]> | "published", readonly [string, string]>> = {
  next: ["next", "published, so that everything trusts it before it signs"],
  current: ["current", "signs the certificates of pods, server and webhook"],
  previous: ["previous", "signs nothing; still trusted until its last leaf certificate has expired"],
  own: ["own", "your own CA; its rotation is yours"],
  published: ["published", "in the trust bundle; which CA signs is not known"],
};

const STEP_TEXTS: Readonly<Record<UiRotation["outlook"][number]["step"], string>> = {
  publish: "servers publish a next CA",
  sign: "the next CA begins to sign",
  forget: "the previous CA is forgotten",
};

const SLOT_ORDER = ["current", "own", "published", "next", "previous"] as const;

function signingFirst(a: TrustRow, b: TrustRow): number {
  return SLOT_ORDER.indexOf(a.slot ?? "published") - SLOT_ORDER.indexOf(b.slot ?? "published");
}

/** Returns the line at `now` (Unix milliseconds); undefined without a CA. */
export function trustLineOf(
  rows: readonly TrustRow[],
  rotation: UiRotation | undefined,
  now: number,
): TrustLine | undefined {
  if (rows.length === 0) return undefined;
  const outlook = rotation?.outlook ?? [];
  const times = [
    now,
    ...rows.flatMap(({ since, expires }) => [Date.parse(since ?? expires), Date.parse(expires)]),
    ...outlook.map(({ at }) => Date.parse(at)),
  ].filter((time) => !Number.isNaN(time));
  const [begin, end] = [Math.min(...times), Math.max(...times)];
  const place = (time: number) => (end === begin ? 0 : Math.min(1, Math.max(0, (time - begin) / (end - begin))));
  return {
    ticks: timeTicks(begin, end).map(({ time, label }) => ({ at: place(time), label })),
    now: place(now),
    bars: rows.toSorted(signingFirst).map((row) => {
      const [title, meaning] = SLOT_TEXTS[row.slot ?? "published"];
      const expires = Date.parse(row.expires);
      return {
        row,
        title,
        meaning,
        from: place(row.since === undefined ? begin : Date.parse(row.since)),
        to: place(expires),
        isExpired: expires <= now,
      };
    }),
    marks: outlook.map(({ step, at }) => ({ at: place(Date.parse(at)), time: at, label: STEP_TEXTS[step] })),
  };
}

/** Who does not trust a CA yet, in words; "" if everything does, or if it is unknown. */
export function trustGap({ inBundle, inCaBundle, slot }: TrustRow): string {
  const gaps = [
    inBundle === false ? "not in the trust bundle, so pods do not trust it" : "",
    inCaBundle === false ? "not in the webhook's caBundle, so the API server does not trust it" : "",
  ].filter(Boolean);
  return slot === "next" && gaps.length > 0 ? `${gaps.join("; ")}; activate it only after that` : gaps.join("; ");
}

/** Who trusts a CA: "✓ trust bundle · ✕ webhook caBundle"; "" if neither is known. */
export function trustMarks({ inBundle, inCaBundle }: TrustRow): string {
  const mark = (isTrusted: boolean | undefined, who: string) =>
    isTrusted === undefined ? [] : [`${isTrusted ? "✓" : "✕"} ${who}`];
  return [...mark(inBundle, "trust bundle"), ...mark(inCaBundle, "webhook caBundle")].join(" · ");
}

/** What a line says first: what needs work, or that nothing does; undefined if that is not known. */
export function trustVerdict(
  { bars, marks }: TrustLine,
  rotation: UiRotation | undefined,
  earlierCaPods: UiSnapshot["earlierCaPods"],
): { readonly tone: "good" | "bad" | "notice"; readonly text: string; readonly next?: TrustMark } | undefined {
  const expired = bars.find(({ isExpired, row }) => isExpired && row.slot !== "previous");
  if (expired) return { tone: "bad", text: `The ${expired.title} CA has expired.` };
  const { length: pods } = earlierCaPods;
  if (pods > 0) {
    const text = pods === 1 ? "1 pod probably trusts" : `${pods} pods probably trust`;
    return { tone: "bad", text: `${text} only an earlier CA, which no longer signs.` };
  }
  if (bars.some(({ row }) => trustGap(row) !== "")) {
    return { tone: "notice", text: "Not everything trusts every CA yet: the CA below says what is missing." };
  }
  if (rotation === undefined) return undefined;
  const [next] = marks;
  return { tone: "good", text: "Nothing to do.", ...(next && { next }) };
}
