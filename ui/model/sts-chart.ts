// Calls to STS of the last hour, a bar for each minute, on an axis of time. Pure.
import type { StsMinute } from "../../src/protocol/state/model.ts";
import { MINUTE_MS } from "./time.ts";

/** A minute with calls. Parts are of the chart's width and height, from 0 to 1. */
export interface StsBar extends StsMinute {
  readonly left: number;
  readonly okHeight: number;
  readonly failedHeight: number;
}

/** A mark of an axis. */
export interface AxisMark {
  readonly place: number;
  readonly label: string;
}

/** The chart. */
export interface StsChart {
  readonly bars: readonly StsBar[];
  /** Part of the width that a bar takes. */
  readonly barWidth: number;
  readonly times: readonly AxisMark[];
  readonly counts: readonly AxisMark[];
  readonly ok: number;
  readonly failed: number;
}

const CHART_MINUTES = 60;
const TICK_MINUTES = 10;
/** Nearer to an end of the axis, the time of a mark would stand beside the chart. */
const EDGE = 0.015;

/** Returns the chart of the hour that ends at `now` (Unix milliseconds). */
export function stsChartOf(minutes: readonly StsMinute[], now: number): StsChart {
  const end = (Math.floor(now / MINUTE_MS) + 1) * MINUTE_MS;
  const begin = end - CHART_MINUTES * MINUTE_MS;
  const shown = minutes.filter(({ at }) => Date.parse(at) >= begin && Date.parse(at) < end);
  const top = roundTop(Math.max(2, ...shown.map(({ ok, failed }) => ok + failed)));
  const firstTick = Math.ceil(begin / (TICK_MINUTES * MINUTE_MS)) * TICK_MINUTES * MINUTE_MS;
  const ticks = Array.from(
    { length: CHART_MINUTES / TICK_MINUTES + 1 },
    (_, index) => firstTick + index * TICK_MINUTES * MINUTE_MS,
  );
  const placeOf = (time: number) => (time - begin) / (end - begin);
  return {
    bars: shown.map((minute) => ({
      ...minute,
      left: placeOf(Date.parse(minute.at)),
      okHeight: minute.ok / top,
      failedHeight: minute.failed / top,
    })),
    barWidth: 1 / CHART_MINUTES,
    times: ticks
      .filter((time) => placeOf(time) >= EDGE && placeOf(time) <= 1 - EDGE)
      .map((time) => ({ place: placeOf(time), label: new Date(time).toISOString().slice(11, 16) })),
    counts: [0, top / 2, top].map((count) => ({ place: count / top, label: count.toLocaleString("en") })),
    ok: shown.reduce((sum, { ok }) => sum + ok, 0),
    failed: shown.reduce((sum, { failed }) => sum + failed, 0),
  };
}

/** The next round number whose half is whole. */
function roundTop(count: number): number {
  const power = 10 ** Math.floor(Math.log10(count));
  return [1, 2, 3, 4, 5, 6, 8, 10].map((step) => step * power).find((step) => step >= count && step % 2 === 0) ?? count;
}
