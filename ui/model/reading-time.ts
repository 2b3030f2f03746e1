// Which time a reading is judged at. Pure.

/** Readings come every few seconds; within this time, countdowns run on. */
const FRESH_MS = 10_000;

/**
 * Returns the time (Unix milliseconds) at which a reading of `at` (RFC 3339) is judged and its countdowns are shown. Of
 * an older reading it is not known whether credentials have been renewed since: without this limit, a slow answer would
 * look like renewals that do not come. The operator's clock may also be wrong, where the page is forwarded from another
 * machine.
 */
export function readingTime(at: string, now: number): number {
  const read = Date.parse(at);
  return Number.isNaN(read) ? now : Math.min(Math.max(now, read), read + FRESH_MS);
}
