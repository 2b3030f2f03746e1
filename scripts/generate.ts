// npm run generate: writes all generated files: gRPC messages from proto/, tables in docs/ from the tables in src/, the
// dashboard, and the chart's schema and the templates that equal manifests/base. `--check` writes nothing and fails if
// a file would change, so no file can be outdated.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { CLUSTER_CHECKS } from "../src/operations/check/check.ts";
import { CHECK_PAGES, CHECK_SECTIONS, type Section } from "../src/operations/check/finding.ts";
import { POLICY_SETTINGS } from "../src/policy/settings-table.ts";
import { ACTORS } from "../src/protocol/error-row.ts";
import { ERRORS, type ErrorCode } from "../src/protocol/errors.ts";
import type { MetricSpec, MetricTable } from "../src/runtime/metrics.ts";
import { defaultOf, envName, flagName, type SettingTable, text } from "../src/runtime/settings.ts";
import { SERVER_METRICS } from "../src/server/observability/metrics.ts";
import { SERVER_SETTINGS } from "../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../src/settings/webhook.ts";
import { SIDECAR_METRICS } from "../src/sidecar/metrics.ts";
import { SIDECAR_SETTINGS } from "../src/sidecar/settings.ts";
import { WEBHOOK_METRICS } from "../src/webhook/metrics.ts";
import { attackRun, attackTable } from "./attack-table.ts";
import { authorizationCount, authorizationTables } from "./authorization-matrix.ts";
import { behavioursOf } from "./behaviour.ts";
import { outageTable, overloadTable, referenceTable, startTable, statusBenchTable } from "./bench-tables.ts";
import { chartSchema } from "./chart-schema.ts";
import { CHART_TEMPLATES, chartNames, chartTemplate, sourceOfTemplate } from "./chart-templates.ts";
import { chartValuesTable } from "./chart-values.ts";
import { startScript } from "./command-line/start-script.ts";
import { suitesTable } from "./command-line/suites-table.ts";
import { renderDashboard } from "./dashboard.ts";
import { drillRun } from "./drill.ts";
import {
  deniedEventSample,
  explainDeniedSample,
  explainForbiddenSample,
  explainNotLabelledSample,
} from "./explain-samples.ts";
import { faultRun, faultTable } from "./fault-table.ts";
import { fuzzRun, fuzzTable } from "./fuzz-table.ts";
import { markdownTable } from "./markdown-table.ts";
import { mutationRun, mutationTable } from "./mutation-table.ts";
import { casesOnNode, realNodeFigures, renewalCpu, startPrice } from "./pod-certificate-figures.ts";
import { priceTable } from "./price-table.ts";
import { publicPods } from "./public-pods.ts";
import { releaseRunTable } from "./release-runs.ts";
import { REPLACED_METRICS } from "./replaced-metrics.ts";
import { ROOT } from "./root.ts";
import { sdkMessages, sdkOutcomes, sdkScenarios } from "./sdk-conformance.ts";
import { simulationSummary, simulationTable } from "./simulation-table.ts";
import { codeTable, SYMPTOMS, skipTable, symptomTable } from "./symptoms.ts";

function settingsTable(rows: SettingTable): string {
  const cells = Object.entries(rows).map(([key, row]) => [
    `\`--${flagName(key)}\``,
    `\`${envName(key)}\``,
    typeof row.default === "string" ? `\`${defaultOf(row)}\`` : (defaultOf(row) ?? "required"),
    row.type === text ? `${row.help}.` : `${row.help}. Accepts ${withoutLinks(row.type.expects)}.`,
  ]);
  return markdownTable(["flag", "environment", "default", "meaning"], cells);
}

/** Returns the text with addresses as code: an example of an address is no link. */
function withoutLinks(given: string): string {
  return given.replaceAll(/"(https?:[^"]+)"/g, "`$1`");
}

/** Removes the policy settings: both programs read them, so they have their own section. */
function withoutPolicy(rows: SettingTable): SettingTable {
  return Object.fromEntries(Object.entries(rows).filter(([key]) => !(key in POLICY_SETTINGS)));
}

function metricsTable(rows: MetricTable): string {
  const cells = Object.values(rows).map(({ name, type, labels = [], help }) => [
    `\`${name}\``,
    type,
    labels.map((label) => `\`${label}\``).join(", "),
    help,
  ]);
  return markdownTable(["metric", "type", "labels", "meaning"], cells);
}

function predecessorTables(): string {
  const known: ReadonlyMap<string, MetricSpec> = new Map(
    [SERVER_METRICS, WEBHOOK_METRICS, SIDECAR_METRICS].flatMap((rows: MetricTable) =>
      Object.values(rows).map((row) => [row.name, row] as const),
    ),
  );
  const cells = REPLACED_METRICS.map(({ old, now, note }) => {
    const missing = now.filter((name) => !known.has(name));
    if (missing.length > 0) {
      throw new Error(
        `Cannot list ${old}: scripts/replaced-metrics.ts names ${missing.join(", ")}; expected existing metrics`,
      );
    }
    return [`\`${old}\``, now.map((name) => `\`${name}\``).join(", ") || "none", note];
  });
  return markdownTable(["kiam, kube2iam", "podrole", "what differs"], cells);
}

/** Pages that explain an error further, by code. */
const PAGES_ABOUT_ERRORS: Readonly<Partial<Record<ErrorCode, string>>> = {
  STS_DENIED: "[What AWS's message says](aws.md#accessdenied)",
  STS_THROTTLED: "[How podrole calls STS](aws.md#throttling)",
};

function errorSections(): string {
  return Object.entries(ERRORS)
    .map(([code, row]) => {
      const facts = [
        `who acts: ${row.actors.map((actor) => ACTORS[actor]).join(", ") || "nobody"}`,
        row.actors.length === 0 ? "final" : row.retry ? "may pass by itself" : "stays until somebody acts",
        row.keep ? "earlier credentials are served until they expire" : "earlier credentials are no longer served",
        `HTTP ${row.http}`,
        `gRPC ${row.grpc}`,
      ];
      const more = PAGES_ABOUT_ERRORS[code as ErrorCode];
      return `### ${code}\n\n${row.summary} *${facts.join(" · ")}*\n\n${row.remedy}${more ? ` ${more}.` : ""}`;
    })
    .join("\n\n");
}

/** One heading per check, so that the hint of a finding can link to it. */
function checkSections(page: string): string {
  return Object.entries(CHECK_SECTIONS)
    .filter(([section]) => CHECK_PAGES[section as Section] === page)
    .map(([section, title]) => {
      const own = Object.entries(CLUSTER_CHECKS).filter(([, check]) => check.section === section);
      const pages = own.map(([id, { summary, remedy, when }]) => {
        const phase = when === "pre" ? " *Only with `--pre`.*" : when === "always" ? " *Also with `--pre`.*" : "";
        return `### ${id}\n\n${summary}${phase}\n\n${remedy}`;
      });
      return [`## ${section}: ${title}`, ...pages].join("\n\n");
    })
    .join("\n\n");
}

const BEHAVIOUR_TESTS = [
  "test/policy/kiam-behaviour.test.ts",
  "test/policy/kube2iam-behaviour.test.ts",
  "test/server/kiam-behaviour.test.ts",
  "test/sidecar/kiam-behaviour.test.ts",
];

function behaviourTable(system: string): string {
  cachedBehaviours ??= behavioursOf(BEHAVIOUR_TESTS, ROOT);
  const cells = cachedBehaviours
    .filter((row) => row.system === system)
    .map(({ behaviour, podrole, source, file }) => [
      // "(?P<name>…)" is no element of HTML.
      behaviour.replaceAll("<", "\\<"),
      podrole,
      `\`${source}\``,
      `[passes](../${file})`,
    ]);
  return markdownTable([system, "podrole", "source", "test"], cells);
}

let cachedBehaviours: ReturnType<typeof behavioursOf> | undefined;

/** The text between `<!-- generated: NAME -->` and `<!-- end -->`, by file and NAME. */
const GENERATED_SECTIONS: Readonly<Record<string, Readonly<Record<string, () => string>>>> = {
  "docs/attack.md": { run: attackRun, table: attackTable, fuzzRun, fuzzTable },
  "docs/authorization-matrix.md": { count: authorizationCount, tables: authorizationTables },
  ...Object.fromEntries(Object.values(CHECK_PAGES).map((page) => [page, { checks: () => checkSections(page) }])),
  "docs/ca.md": { drill: drillRun },
  "docs/configuration.md": {
    policy: () => settingsTable(POLICY_SETTINGS),
    server: () => settingsTable(withoutPolicy(SERVER_SETTINGS)),
    webhook: () => settingsTable(withoutPolicy(WEBHOOK_SETTINGS)),
    sidecar: () => settingsTable(SIDECAR_SETTINGS),
  },
  "docs/errors.md": { errors: errorSections },
  "docs/faults.md": { run: faultRun, table: faultTable },
  "docs/kiam-behaviour.md": {
    kiam: () => behaviourTable("kiam"),
    kube2iam: () => behaviourTable("kube2iam"),
  },
  "docs/platforms.md": { releases: releaseRunTable, "public pods": publicPods },
  "docs/price.md": { price: priceTable },
  "docs/pod-certificates.md": {
    cases: casesOnNode,
    start: startPrice,
    renewal: renewalCpu,
    "real node": realNodeFigures,
  },
  "docs/simulation.md": {
    summary: simulationSummary,
    table: simulationTable,
    "breaks found": mutationRun,
    breaks: mutationTable,
  },
  "docs/sdk-conformance.md": { outcomes: sdkOutcomes, scenarios: sdkScenarios, messages: sdkMessages },
  "docs/explain.md": {
    denied: explainDeniedSample,
    forbidden: explainForbiddenSample,
    "not labelled": explainNotLabelledSample,
  },
  "docs/troubleshoot.md": {
    codes: codeTable,
    event: deniedEventSample,
    "skip reasons": skipTable,
    ...Object.fromEntries(Object.keys(SYMPTOMS).map((group) => [group, () => symptomTable(group)])),
  },
  "test/README.md": { suites: suitesTable },
  "test/bench/README.md": {
    overload: overloadTable,
    outage: outageTable,
    start: startTable,
    reference: referenceTable,
    status: statusBenchTable,
  },
  "docs/metrics.md": {
    server: () => metricsTable(SERVER_METRICS),
    webhook: () => metricsTable(WEBHOOK_METRICS),
    sidecar: () => metricsTable(SIDECAR_METRICS),
    predecessors: predecessorTables,
  },
  "manifests/chart/README.md": {
    values: () => chartValuesTable(readFileSync(join(ROOT, "manifests/chart/values.yaml"), "utf8")),
  },
};

function withSections(file: string, page: string): string {
  return Object.entries(GENERATED_SECTIONS[file] ?? {}).reduce((result, [name, make]) => {
    const [start, end] = [`<!-- generated: ${name} -->\n`, "\n<!-- end -->"];
    const [from, to] = [result.indexOf(start), result.indexOf(end, result.indexOf(start))];
    if (from < 0 || to < 0) throw new Error(`Cannot generate ${file}: it has no section "${name}"`);
    return `${result.slice(0, from + start.length)}\n${make()}\n${result.slice(to)}`;
  }, page);
}

/** Messages as buf and ts-proto generate them, by path below src/protocol/generated. */
function readMessages(): Map<string, string> {
  const directory = mkdtempSync(join(tmpdir(), "podrole-generate-"));
  try {
    const template = readFileSync(join(ROOT, "proto/buf.gen.yaml"), "utf8").replace(/out: .*/, `out: ${directory}`);
    const bin = join(ROOT, "node_modules/.bin");
    const run = spawnSync(join(bin, "buf"), ["generate", "--template", template], {
      cwd: join(ROOT, "proto"),
      env: { ...process.env, PATH: `${bin}:${process.env["PATH"]}` },
      encoding: "utf8",
    });
    if (run.status !== 0) throw new Error(`buf generate failed: ${run.stderr}`);
    const files = readdirSync(directory, { recursive: true, encoding: "utf8" });
    const texts = files.filter((file) => statSync(join(directory, file)).isFile());
    return new Map(texts.map((file) => [file, readFileSync(join(directory, file), "utf8")]));
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** The rules of alerts.yaml as an object for the Prometheus operator. */
function prometheusRule(): string {
  const rules = readFileSync(join(ROOT, "manifests/dashboards/alerts.yaml"), "utf8");
  const [comment = ""] = /^(#.*\n)+/.exec(rules) ?? [];
  const spec = rules.slice(comment.length);
  const head = [
    "# Generated from alerts.yaml by npm run generate: change that file.",
    "apiVersion: monitoring.coreos.com/v1",
    "kind: PrometheusRule",
    "metadata: { name: podrole, namespace: podrole, labels: { app.kubernetes.io/part-of: podrole } }",
    "spec:",
  ];
  return `${head.join("\n")}\n${spec.replaceAll(/^(?=.)/gm, "  ")}`;
}

const { check: isCheckOnly } = startScript("generate").values;
const stale: string[] = [];

function updateFile(file: string, content: string): void {
  const path = join(ROOT, file);
  const current = readFileSync(path, { encoding: "utf8", flag: "a+" });
  if (current === content) return;
  stale.push(relative(ROOT, path));
  if (!isCheckOnly) writeFileSync(path, content);
}

for (const [file, content] of readMessages()) updateFile(join("src/protocol/generated", file), content);
for (const file of Object.keys(GENERATED_SECTIONS))
  updateFile(file, withSections(file, readFileSync(join(ROOT, file), "utf8")));
updateFile("manifests/dashboards/podrole-dashboard.json", renderDashboard());
updateFile("manifests/dashboards/prometheus-rule.yaml", prometheusRule());
updateFile("manifests/chart/values.schema.json", chartSchema());
updateFile("manifests/chart/templates/_names.tpl", chartNames());
for (const file of Object.keys(CHART_TEMPLATES)) {
  const base = readFileSync(join(ROOT, "manifests", sourceOfTemplate(file)), "utf8");
  updateFile(join("manifests/chart/templates", file), chartTemplate(file, base));
}
for (const file of stale) console.log(`${isCheckOnly ? "out of date" : "written"}: ${file}`);
if (isCheckOnly && stale.length > 0) {
  console.log("run: npm run generate");
  process.exitCode = 1;
}
