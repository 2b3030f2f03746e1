// Generates the Grafana dashboard, manifests/dashboards/podrole-dashboard.json. Grafana's own types check its format;
// Grafana 11 and newer read schema 39.
import {
  type Dashboard,
  DashboardCursorSync,
  FieldColorModeId,
  type GridPos,
  type Panel,
  ThresholdsMode,
  VariableHide,
} from "@grafana/schema";
import { DASHBOARD_ROWS, type PanelSpec } from "./dashboard-panels.ts";

const DATASOURCE = { type: "prometheus", uid: "${datasource}" };

function queryTarget([expr, legendFormat]: readonly [string, string], index: number, instant: boolean) {
  const refId = String.fromCharCode("A".charCodeAt(0) + index);
  return { refId, datasource: DATASOURCE, editorMode: "code", expr, legendFormat, instant, range: !instant };
}

function renderPanel(spec: PanelSpec, id: number, gridPos: GridPos): Panel {
  const { title, about: description, unit, queries, stat, stacked } = spec;
  const targets = queries.map((query, index) => queryTarget(query, index, stat !== undefined));
  const common = { id, title, description, datasource: DATASOURCE, gridPos, targets };
  if (stat) {
    const [low, high] = stat.high ? ["green", "red"] : ["red", "green"];
    const steps = [
      { color: low, value: null },
      { color: high, value: stat.red },
    ];
    return {
      ...common,
      type: "stat",
      fieldConfig: {
        defaults: {
          unit,
          color: { mode: FieldColorModeId.Thresholds },
          thresholds: { mode: ThresholdsMode.Absolute, steps },
        },
        overrides: [],
      },
      options: {
        reduceOptions: { calcs: ["lastNotNull"], fields: "", values: false },
        colorMode: "value",
        graphMode: "none",
      },
    };
  }
  const stacking = { mode: stacked ? "normal" : "none", group: "A" };
  const custom = { drawStyle: "line", lineWidth: 1, fillOpacity: stacked ? 30 : 0, showPoints: "never", stacking };
  return {
    ...common,
    type: "timeseries",
    fieldConfig: {
      defaults: { unit, min: 0, color: { mode: FieldColorModeId.PaletteClassic }, custom },
      overrides: [],
    },
    options: {
      legend: { displayMode: "list", placement: "bottom", showLegend: true },
      tooltip: { mode: "multi", sort: "desc" },
    },
  };
}

/** Returns the JSON that Grafana imports. */
export function renderDashboard(): string {
  const panels: NonNullable<Dashboard["panels"]> = [];
  let y = 0;
  for (const { title, across, height, panels: specs } of DASHBOARD_ROWS) {
    panels.push({
      id: panels.length + 1,
      type: "row",
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: 24, h: 1 },
      panels: [],
    });
    y += 1;
    const w = 24 / across;
    for (const [index, spec] of specs.entries()) {
      const gridPos = { x: (index % across) * w, y: y + Math.floor(index / across) * height, w, h: height };
      panels.push(renderPanel(spec, panels.length + 1, gridPos));
    }
    y += Math.ceil(specs.length / across) * height;
  }
  const datasource = {
    name: "datasource",
    label: "Data source",
    type: "datasource" as const,
    query: "prometheus",
    current: { text: "default", value: "default" },
    hide: VariableHide.dontHide,
  };
  const page: Dashboard = {
    uid: "podrole",
    title: "podrole",
    description: "IAM roles for pods: admission, certificates, credentials, STS, sidecars",
    tags: ["podrole"],
    schemaVersion: 39,
    version: 1,
    editable: true,
    graphTooltip: DashboardCursorSync.Crosshair,
    refresh: "30s",
    time: { from: "now-3h", to: "now" },
    timezone: "browser",
    templating: { list: [datasource] },
    annotations: { list: [] },
    links: [],
    panels,
  };
  return `${JSON.stringify(page, undefined, 2)}\n`;
}
