// One panel as SVG: lines or stacked areas over time, in clearly distinguishable colours.
import type { Range, Series } from "./prometheus.ts";
import { inUnit, niceBound } from "./units.ts";

export interface Line {
  readonly name: string;
  readonly series: Series;
}

export interface ChartOptions {
  readonly unit: string;
  readonly stacked: boolean;
  readonly width: number;
  readonly height: number;
  readonly range: Range;
}

export const COLOURS = ["#3274d9", "#56a64b", "#e0752d", "#a352cc", "#e02f44", "#1fa8a8", "#b8860b", "#7f7f7f"];
const LEFT = 62;
const RIGHT = 20;
const BOTTOM = 20;
const TOP = 8;

export function escapeText(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}

/** Upper and lower edge of each line at each time; NaN where a series has no sample. */
function edges(lines: readonly Line[], { stacked, range }: ChartOptions) {
  const times = Array.from(
    { length: Math.floor((range.end - range.start) / range.step) + 1 },
    (_, n) => range.start + n * range.step,
  );
  const below = times.map(() => 0);
  return lines.map(({ series }) => {
    const values = new Map(series.points.map(([at, value]) => [Math.round((at - range.start) / range.step), value]));
    return times.map((_, index) => {
      const value = values.get(index) ?? Number.NaN;
      const low = stacked ? (below[index] ?? 0) : 0;
      const high = low + value;
      if (stacked && Number.isFinite(value)) below[index] = high;
      return { low, high };
    });
  });
}

export function renderChart(lines: readonly Line[], options: ChartOptions): string {
  const { unit, stacked, width, height, range } = options;
  const lineEdges = edges(lines, options);
  const highest = Math.max(0, ...lineEdges.flat().flatMap(({ high }) => (Number.isFinite(high) ? [high] : [])));
  const top = niceBound(highest * 1.05, unit);
  const x = (index: number) => LEFT + ((index * range.step) / (range.end - range.start)) * (width - LEFT - RIGHT);
  const y = (value: number) => TOP + (1 - value / top) * (height - TOP - BOTTOM);
  const grid = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const at = y(top * share).toFixed(1);
    return `<line x1="${LEFT}" x2="${width - RIGHT}" y1="${at}" y2="${at}" class="grid"/><text x="${LEFT - 6}" y="${at}" dy="4" text-anchor="end">${inUnit(top * share, unit)}</text>`;
  });
  // Ticks at whole minutes, about five of them.
  const minutes = Math.max(1, Math.ceil((range.end - range.start) / 60 / 5));
  const ticks: string[] = [];
  for (let at = Math.ceil(range.start / 60) * 60 - range.start; at <= range.end - range.start; at += minutes * 60) {
    const name = new Date((range.start + at) * 1000).toISOString().slice(11, 16);
    ticks.push(`<text x="${x(at / range.step).toFixed(1)}" y="${height - 4}" text-anchor="middle">${name}</text>`);
  }
  const paths = lineEdges.flatMap((points, index) => {
    const colour = COLOURS[index % COLOURS.length] ?? "#000";
    return runs(points).flatMap((run) => {
      const upper = run.map(({ at, high }) => `${x(at).toFixed(1)},${y(high).toFixed(1)}`);
      const lower = run.toReversed().map(({ at, low }) => `${x(at).toFixed(1)},${y(low).toFixed(1)}`);
      const outline = upper.concat(lower).join(" ");
      const area = stacked ? `<polygon points="${outline}" fill="${colour}" fill-opacity="0.35"/>` : "";
      return `${area}<polyline points="${upper.join(" ")}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
    });
  });
  const noData =
    lines.length === 0 ? [`<text x="${width / 2}" y="${height / 2}" text-anchor="middle">no data</text>`] : [];
  return `<svg viewBox="0 0 ${width} ${height}" width="100%">${[...grid, ...ticks, ...paths, ...noData].join("")}</svg>`;
}

/** Splits the points into runs without gaps. */
function runs(points: readonly { readonly low: number; readonly high: number }[]) {
  const result: { at: number; low: number; high: number }[][] = [];
  let current: { at: number; low: number; high: number }[] = [];
  for (const [at, { low, high }] of points.entries()) {
    if (Number.isFinite(high)) current.push({ at, low, high });
    else if (current.length > 0) {
      result.push(current);
      current = [];
    }
  }
  return current.length > 0 ? [...result, current] : result;
}
