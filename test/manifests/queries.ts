// Reads the queries of alerts and dashboard, and extracts the metrics, labels and label values that they use.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { ROOT } from "../files.ts";

export const DASHBOARDS = join(ROOT, "manifests/dashboards");

export interface Query {
  /** The alert's name or the panel's title. */
  readonly origin: string;
  readonly expr: string;
}

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly labels: { readonly severity?: string };
  readonly annotations: { readonly summary?: string; readonly description?: string; readonly runbook_url?: string };
}

export function readRules(): readonly Rule[] {
  const { groups } = parse(readFileSync(join(DASHBOARDS, "alerts.yaml"), "utf8")) as { groups: { rules: Rule[] }[] };
  return groups.flatMap(({ rules }) => rules);
}

/** Every query in the folder. */
export function readQueries(): readonly Query[] {
  const panels = readdirSync(DASHBOARDS)
    .filter((file) => file.endsWith(".json"))
    .flatMap((file) => queriesIn(JSON.parse(readFileSync(join(DASHBOARDS, file), "utf8")), file));
  return [...readRules().map(({ alert, expr }) => ({ origin: alert, expr })), ...panels];
}

/** Collects every `expr` below a node; its origin is the nearest title above it. */
function queriesIn(node: unknown, origin: string): Query[] {
  if (Array.isArray(node)) return node.flatMap((element) => queriesIn(element, origin));
  if (typeof node !== "object" || node === null) return [];
  const { title, expr } = node as { readonly title?: unknown; readonly expr?: unknown };
  const here = typeof title === "string" ? title : origin;
  const own = typeof expr === "string" ? [{ origin: here, expr }] : [];
  return [...own, ...Object.values(node).flatMap((value) => queriesIn(value, here))];
}

export interface MetricSelector {
  readonly metric: string;
  /** Label matchers; values are split at "|". */
  readonly matchers: readonly { readonly label: string; readonly values: readonly string[] }[];
}

export function selectorsOf(expr: string): readonly MetricSelector[] {
  return [...expr.matchAll(/\b(podrole_\w+)(?:\{([^}]*)\})?/g)].map(([, metric = "", inner = ""]) => ({
    metric,
    matchers: [...inner.matchAll(/(\w+)\s*(?:=~|!~|!=|=)\s*"([^"]*)"/g)].map(([, label = "", value = ""]) => ({
      label,
      values: value.split("|"),
    })),
  }));
}

/** Labels by which a query groups. */
export function groupingsOf(expr: string): readonly string[] {
  return [...expr.matchAll(/\b(?:by|without)\s*\(([^)]*)\)/g)].flatMap(([, names = ""]) =>
    names.split(",").map((name) => name.trim()),
  );
}
