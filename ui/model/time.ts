// Times as the page shows them. Pure.

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Returns a length of time with its two largest units: "2 h 5 min", "41 s". */
export function spanText(ms: number): string {
  const length = Math.abs(ms);
  if (length >= 2 * DAY_MS) return `${Math.floor(length / DAY_MS)} days`;
  if (length >= HOUR_MS) return twoUnits(length, [HOUR_MS, "h"], [MINUTE_MS, "min"]);
  if (length >= MINUTE_MS) return twoUnits(length, [MINUTE_MS, "min"], [SECOND_MS, "s"]);
  return `${Math.floor(length / SECOND_MS)} s`;
}

function twoUnits(length: number, [large, name]: readonly [number, string], [small, other]: readonly [number, string]) {
  const rest = Math.floor((length % large) / small);
  return `${Math.floor(length / large)} ${name}${rest === 0 ? "" : ` ${rest} ${other}`}`;
}

/** "in 41 s", "3 min 2 s ago"; "" for a text that is no time. */
export function relativeText(time: string, now: number): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  return at > now ? `in ${spanText(at - now)}` : `${spanText(now - at)} ago`;
}

/** The part of a lifetime that is left at `now`, from 0 to 1; undefined if either end is unknown. */
export function restOfLife(from: string | undefined, to: string | undefined, now: number): number | undefined {
  const [begin, end] = [Date.parse(from ?? ""), Date.parse(to ?? "")];
  if (Number.isNaN(begin) || Number.isNaN(end) || end <= begin) return undefined;
  return Math.min(1, Math.max(0, (end - now) / (end - begin)));
}

/** "2026-06-01 12:00:00 UTC"; the text itself if it is no time. */
export function clockText(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}
