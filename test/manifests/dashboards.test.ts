// Alerts and dashboard against the tables of metrics: a query with a name, label or value that no program exports never
// returns data. test/story/observability.test.ts tests that the programs export what the tables declare.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { SKIP_REASONS } from "../../src/injection/skip-reasons.ts";
import { ERRORS } from "../../src/protocol/errors.ts";
import type { MetricSpec, MetricTable } from "../../src/runtime/metrics.ts";
import { SERVER_METRICS } from "../../src/server/observability/metrics.ts";
import { SIDECAR_METRICS } from "../../src/sidecar/metrics.ts";
import { WEBHOOK_METRICS } from "../../src/webhook/metrics.ts";
import { readManifest, readText } from "../files.ts";
import { groupingsOf, readQueries, readRules, selectorsOf } from "./queries.ts";

const TABLES: readonly MetricTable[] = [SERVER_METRICS, WEBHOOK_METRICS, SIDECAR_METRICS];
const specs: ReadonlyMap<string, MetricSpec> = new Map(
  TABLES.flatMap((table) =>
    Object.values(table).flatMap((spec) => seriesOf(spec).map((name) => [name, spec] as const)),
  ),
);
/** Labels that Prometheus adds to each target (manifests/dashboards/scrape.yaml). */
const TARGET_LABELS = ["job", "instance", "namespace", "pod"];
const CODES = new Set([
  ...Object.keys(ERRORS),
  ...Object.keys(SKIP_REASONS),
  "OK",
  "ISSUED",
  "INJECTED",
  "ALREADY_INJECTED",
]);

function seriesOf({ name, type }: MetricSpec): string[] {
  return type === "histogram" ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}

/** Returns what is wrong with a query; empty if nothing is. */
function problemsOf(expr: string): string[] {
  const known = new Set([...TARGET_LABELS, "le"]);
  const problems: string[] = [];
  for (const { metric, matchers } of selectorsOf(expr)) {
    const spec = specs.get(metric);
    if (!spec) {
      problems.push(`no metric ${metric}`);
      continue;
    }
    for (const label of spec.labels ?? []) known.add(label);
    for (const { label, values } of matchers) {
      if (!TARGET_LABELS.includes(label) && !spec.labels?.includes(label)) problems.push(`${metric} has no ${label}`);
      const isCode = label === "code" || label === "reason";
      const codes = values.filter((value) => isCode && /^[A-Z_]+$/.test(value));
      problems.push(...codes.filter((code) => !CODES.has(code)).map((code) => `no code ${code}`));
    }
  }
  return [
    ...problems,
    ...groupingsOf(expr)
      .filter((label) => !known.has(label))
      .map((label) => `no label ${label}`),
  ];
}

suite("queries of alerts and dashboard", () => {
  for (const { origin, expr } of readQueries()) {
    test(`${origin}: every metric, label and code exists: ${expr.split("\n")[0]}`, () => {
      assert.ok(selectorsOf(expr).length > 0 || /\bup\b|process_|nodejs_|ALERTS/.test(expr), expr);
      assert.deepEqual(problemsOf(expr), []);
    });
  }

  test("unknown metrics, labels and codes are found", () => {
    assert.deepEqual(problemsOf('rate(podrole_sts_calls_total{code="STS_DENIED"}[5m])'), []);
    for (const [expr, problem] of [
      ["podrole_sts_total", "no metric podrole_sts_total"],
      ["podrole_sts_duration_seconds", "no metric podrole_sts_duration_seconds"],
      ['podrole_sts_calls_total{role="x"}', "podrole_sts_calls_total has no role"],
      ['podrole_sts_calls_total{code=~"OK|STS_ODD"}', "no code STS_ODD"],
      ["sum by (pod_name) (podrole_ready)", "no label pod_name"],
    ] as const)
      assert.deepEqual(problemsOf(expr), [problem]);
  });
});

suite("metrics", () => {
  test("names follow Prometheus' conventions: base units, and counters end in _total", () => {
    for (const { name, type, labels = [] } of TABLES.flatMap((table) => Object.values(table))) {
      assert.match(name, /^podrole_[a-z0-9]+(_[a-z0-9]+)*$/);
      assert.equal(name.endsWith("_total"), type === "counter", name);
      if (type === "histogram") assert.ok(name.endsWith("_seconds"), name);
      // Bounded cardinality: no label may have values that authors of pods choose.
      const BOUNDED = new Set([
        // One gauge, which has one series at a time (test/server/observability/gauges.test.ts).
        "caller_namespace",
        "code",
        "decision",
        "node",
        "outcome",
        "port",
        "reason",
        "resource",
        "result",
        "status",
        "version",
      ]);
      assert.deepEqual(
        labels.filter((label) => !BOUNDED.has(label)),
        [],
        name,
      );
    }
  });
});

suite("alerts", () => {
  const headings = [...readText("docs/alerts.md").matchAll(/^## (\w+)$/gm)];

  test("docs/alerts.md has a heading for every alert, and no other", () => {
    assert.deepEqual(
      headings.map(([, name = ""]) => name),
      readRules().map(({ alert }) => alert),
    );
  });

  for (const { alert, labels, annotations } of readRules()) {
    test(`${alert} has a severity, a summary, a description and a runbook`, () => {
      assert.ok(["critical", "warning", "info"].includes(labels.severity ?? ""));
      assert.match(annotations.summary ?? "", /^\S.*[^.]$/);
      assert.match(annotations.description ?? "", /^\S.*\.$/);
      assert.equal(annotations.runbook_url, `docs/alerts.md#${alert.toLowerCase()}`);
    });
  }
});

suite("scraping", () => {
  const [scrape] = readManifest<{
    scrape_configs: { job_name: string; relabel_configs: Readonly<Record<string, unknown>>[] }[];
  }>("dashboards/scrape.yaml");
  const monitors = readManifest<{ metadata: { name: string }; spec: { podMetricsEndpoints: Endpoint[] } }>(
    "dashboards/pod-monitors.yaml",
  );
  interface Endpoint {
    readonly port?: string;
    readonly relabelings: Readonly<Record<string, unknown>>[];
  }

  test("the Prometheus operator's objects set the job names of scrape.yaml, which the queries use", () => {
    const jobs = scrape?.scrape_configs.map(({ job_name }) => job_name) ?? [];
    assert.deepEqual(
      monitors.map(({ metadata }) => metadata.name),
      jobs,
    );
    for (const { metadata, spec } of monitors) {
      const [endpoint] = spec.podMetricsEndpoints;
      const job = endpoint?.relabelings.find(({ targetLabel }) => targetLabel === "job");
      assert.equal(job?.["replacement"], metadata.name);
    }
    const named = readQueries().flatMap(({ expr }) =>
      [...expr.matchAll(/job=~?"([^"$]+)"/g)].map(([, job = ""]) => job),
    );
    assert.ok(named.length > 0);
    for (const job of named)
      assert.ok(
        jobs.some((known) => new RegExp(`^(?:${job})$`).test(known)),
        job,
      );
  });

  test("server and webhook are scraped at a port of their Deployments", () => {
    for (const program of ["server", "webhook"]) {
      const manifest = readText(`manifests/base/${program}.yaml`);
      const monitor = monitors.find(({ metadata }) => metadata.name === `podrole-${program}`);
      assert.match(manifest, new RegExp(`name: ${monitor?.spec.podMetricsEndpoints[0]?.port}, containerPort`));
    }
  });
});
