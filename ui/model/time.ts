// Times as the page shows them. Pure.

const SECOND_MS = 1_000;
export const MINUTE_MS = 60 * SECOND_MS;
export const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Shorter times are shown in seconds. */
const SECONDS_UNTIL = 90 * SECOND_MS;
const HOURS_WITH_MINUTES = 10;

/**
 * Returns a length of time as every view shows it, rounded to its unit: "41 s", "35 min", "2 h 5 min", "14 h", "3 days".
 */
export function spanText(ms: number): string {
  const length = Math.abs(ms);
  if (length < SECONDS_UNTIL) return `${Math.round(length / SECOND_MS)} s`;
  const minutes = Math.round(length / MINUTE_MS);
  if (minutes < 60) return `${minutes} min`;
  const [hours, rest] = [Math.floor(minutes / 60), minutes % 60];
  if (hours < HOURS_WITH_MINUTES) return rest === 0 ? `${hours} h` : `${hours} h ${rest} min`;
  if (length < 2 * DAY_MS) return `${Math.round(length / HOUR_MS)} h`;
  return `${Math.round(length / DAY_MS)} days`;
}

/** "in 41 s", "3 min ago"; "" for a text that is no time. */
export function relativeText(time: string, now: number): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return "";
  return at > now ? `in ${spanText(at - now)}` : `${spanText(now - at)} ago`;
}

/** "11 min left"; "4 min ago" of credentials that have expired. */
export function untilText(expires: string, now: number): string {
  const left = Date.parse(expires) - now;
  return left > 0 ? `${spanText(left)} left` : `${spanText(left)} ago`;
}

/** The part of a lifetime that is left at `now`, from 0 to 1; undefined if either end is unknown. */
export function restOfLife(from: string | undefined, to: string | undefined, now: number): number | undefined {
  const [begin, end] = [Date.parse(from ?? ""), Date.parse(to ?? "")];
  if (Number.isNaN(begin) || Number.isNaN(end) || end <= begin) return undefined;
  return Math.min(1, Math.max(0, (end - now) / (end - begin)));
}

/** Longest distances of two dates on a scale, in months, from which the first with few enough dates is chosen. */
const MONTH_STEPS = [1, 2, 3, 6, 12, 24, 60, 120];
const MAX_TICKS = 7;

/**
 * Returns the dates between two times (Unix milliseconds) that a scale shows: beginnings of months, or of days if there
 * are less than two months.
 */
export function timeTicks(begin: number, end: number): readonly { readonly time: number; readonly label: string }[] {
  const first = new Date(begin);
  const months = (end - begin) / (30 * DAY_MS);
  if (months < 2) return dayTicks(begin, end);
  const step = MONTH_STEPS.find((each) => months / each < MAX_TICKS) ?? Math.ceil(months / MAX_TICKS);
  const monthOf = (index: number) => Date.UTC(first.getUTCFullYear(), index * step);
  const from = Math.floor(first.getUTCMonth() / step);
  return Array.from({ length: MAX_TICKS + 3 }, (_, index) => monthOf(from + index))
    .filter((time) => time >= begin && time <= end)
    .map((time) => ({ time, label: dateText(time, { month: "short", year: "numeric" }) }));
}

function dayTicks(begin: number, end: number): readonly { readonly time: number; readonly label: string }[] {
  const step = Math.max(1, Math.ceil((end - begin) / DAY_MS / MAX_TICKS)) * DAY_MS;
  const from = Math.ceil(begin / DAY_MS) * DAY_MS;
  const count = Math.max(0, Math.floor((end - from) / step) + 1);
  return Array.from({ length: count }, (_, index) => from + index * step).map((time) => ({
    time,
    label: dateText(time, { day: "numeric", month: "short" }),
  }));
}

/** "29 Jul 2026" by default, in UTC. */
export function dateText(
  time: number,
  format: Intl.DateTimeFormatOptions = { day: "numeric", month: "short", year: "numeric" },
): string {
  return new Date(time).toLocaleDateString("en-GB", { ...format, timeZone: "UTC" });
}

/** "12:00:00 UTC", with the day before it if `now` is on another day; the text itself if it is no time. */
export function timeOfDayText(time: string, now: number): string {
  const [day, clock] = clockText(time).split(" ");
  if (clock === undefined) return time;
  const isToday = day === clockText(new Date(now).toISOString()).slice(0, 10);
  return isToday ? `${clock} UTC` : `${dateText(Date.parse(time), { day: "numeric", month: "short" })} ${clock} UTC`;
}

/** "2026-06-01 12:00:00 UTC"; the text itself if it is no time. */
export function clockText(time: string): string {
  const at = Date.parse(time);
  return Number.isNaN(at) ? time : `${new Date(at).toISOString().slice(0, 19).replace("T", " ")} UTC`;
}

/**
 * When the next renewal of credentials is expected: sidecars renew at about half of the lifetime. Undefined if a time is
 * not known.
 */
export function renewalTime(from: string | undefined, to: string | undefined): number | undefined {
  const [begin, end] = [Date.parse(from ?? ""), Date.parse(to ?? "")];
  return Number.isNaN(begin) || Number.isNaN(end) || end <= begin ? undefined : begin + (end - begin) / 2;
}

/** "renews in 5 min"; "renewal due" from then on; "" if it is not known. */
export function renewalText(from: string | undefined, to: string | undefined, now: number): string {
  const at = renewalTime(from, to);
  if (at === undefined) return "";
  return at > now ? `renews in ${spanText(at - now)}` : "renewal due";
}
