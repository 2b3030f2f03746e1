// Renders the dashboard's JSON as a page without Grafana: the same panels in the same places, from the same queries. It
// also replaces Grafana's variables: the interval of rates and the names in legends.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Panel, RowPanel } from "@grafana/schema";
import { ROOT } from "../../files.ts";
import { COLOURS, escapeText, type Line, renderChart } from "./chart.ts";
import { queryNumber, queryRange, type Range } from "./prometheus.ts";
import { inUnit } from "./units.ts";

const DASHBOARD = join(ROOT, "manifests/dashboards/podrole-dashboard.json");
/** Pixels: the width of one of 24 columns, and one unit of height. */
const COLUMN = 58;
const UNIT = 32;

export interface PageOptions {
  /** Base URL of Prometheus. */
  readonly url: string;
  readonly range: Range;
  /** Replaces $__rate_interval; at least four times the scrape interval. */
  readonly rateSeconds: number;
}

interface Target {
  readonly expr: string;
  readonly legendFormat: string;
}

/** Resolves with the page and its height in pixels. */
export async function drawPage(options: PageOptions): Promise<{ readonly html: string; readonly height: number }> {
  const { title, panels } = JSON.parse(await readFile(DASHBOARD, "utf8")) as {
    title: string;
    panels: (Panel | RowPanel)[];
  };
  const sections: string[] = [];
  for (const panel of panels) sections.push(await drawPanel(panel, options));
  const time = (at: number) => new Date(at * 1000).toISOString().replace(/:\d\d\.\d+Z/, "Z");
  const rows = Math.max(...panels.map(({ gridPos }) => (gridPos?.y ?? 0) + (gridPos?.h ?? 0)));
  const html = `<!doctype html><meta charset="utf-8"><title>${title}</title><style>${STYLE}</style>
<header><b>${title}</b><span>${time(options.range.start)} to ${time(options.range.end)}</span></header>
<main>${sections.join("\n")}</main>`;
  return { html, height: rows * UNIT + 60 };
}

async function drawPanel(panel: Panel | RowPanel, options: PageOptions): Promise<string> {
  const { x = 0, y = 0, w = 24, h = 1 } = panel.gridPos ?? {};
  const place = `grid-column:${x + 1}/span ${w};grid-row:${y + 1}/span ${h}`;
  if (panel.type === "row") return `<h2 style="${place}">${escapeText(panel.title ?? "")}</h2>`;
  const inner = panel.type === "stat" ? await drawStat(panel, options) : await drawChart(panel, options);
  return `<section style="${place}"><h3>${escapeText(panel.title ?? "")}</h3>${inner}</section>`;
}

function targetsOf(panel: Panel, { rateSeconds }: PageOptions): Target[] {
  return ((panel.targets ?? []) as unknown as Target[]).map(({ expr, legendFormat }) => ({
    expr: expr.replaceAll("$__rate_interval", `${rateSeconds}s`),
    legendFormat,
  }));
}

async function drawStat(panel: Panel, options: PageOptions): Promise<string> {
  const [target] = targetsOf(panel, options);
  const value = await queryNumber(options.url, target?.expr ?? "", options.range.end);
  const { unit = "short", thresholds } = panel.fieldConfig?.defaults ?? {};
  const steps = thresholds?.steps ?? [];
  const reached = steps.filter(({ value: bound }) => bound === null || (value ?? 0) >= bound);
  return `<p class="${reached.at(-1)?.color ?? ""}">${inUnit(value ?? Number.NaN, unit)}</p>`;
}

async function drawChart(panel: Panel, options: PageOptions): Promise<string> {
  const lines: Line[] = [];
  for (const { expr, legendFormat } of targetsOf(panel, options)) {
    for (const series of await queryRange(options.url, expr, options.range)) {
      lines.push({ series, name: nameOf(legendFormat, series.labels) });
    }
  }
  const { w = 8, h = 8 } = panel.gridPos ?? {};
  const { unit = "short", custom = {} } = panel.fieldConfig?.defaults ?? {};
  const { stacking } = custom as { stacking?: { mode: string } };
  const size = { width: w * COLUMN, height: h * UNIT - 60 };
  const svg = renderChart(lines, { unit, stacked: stacking?.mode === "normal", range: options.range, ...size });
  const legend = lines.map(
    ({ name }, index) => `<li><i style="background:${COLOURS[index % COLOURS.length]}"></i>${escapeText(name)}</li>`,
  );
  return `${svg}<ul>${legend.join("")}</ul>`;
}

/** Fills in a legend format such as "{{job}} {{resource}}". */
function nameOf(legendFormat: string, labels: Readonly<Record<string, string>>): string {
  return legendFormat.replaceAll(/\{\{\s*(\w+)\s*\}\}/g, (_, label: string) => labels[label] ?? "");
}

const STYLE = `
body { font: 13px "DejaVu Sans", sans-serif; background: #f4f5f5; color: #24292e; margin: 12px; width: ${24 * COLUMN}px }
header { display: flex; justify-content: space-between; font-size: 16px; margin: 4px 4px 8px }
main { display: grid; grid-template-columns: repeat(24, 1fr); grid-auto-rows: ${UNIT}px; gap: 0 }
h2 { font-size: 14px; margin: 8px 4px 0 }
section { background: #fff; border: 1px solid #dfe1e4; border-radius: 3px; margin: 3px; padding: 4px 6px; overflow: hidden }
h3 { font-size: 13px; margin: 2px 0 4px }
p { font-size: 26px; text-align: center; margin: 18px 0 }
.green { color: #37872d } .red { color: #c4162a }
ul { list-style: none; display: flex; flex-wrap: wrap; gap: 0 12px; margin: 2px 4px; padding: 0; font-size: 11px }
i { display: inline-block; width: 12px; height: 4px; margin-right: 4px; vertical-align: middle }
svg text { font-size: 11px; fill: #555 } .grid { stroke: #e4e6e9; stroke-width: 1 }
`;
