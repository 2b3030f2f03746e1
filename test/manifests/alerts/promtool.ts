// Tests the alert rules with Prometheus' own promtool. Each alert must fire in one scenario and not in the other.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { ROOT } from "../../files.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";
import { type AlertCase, CASES } from "./cases.ts";

const RULES = join(ROOT, "manifests/dashboards/alerts.yaml");
const directory = createTemporaryDirectory({ after });

interface Rule {
  readonly alert: string;
  readonly labels: { readonly severity: string };
}

const { groups } = parse(readFileSync(RULES, "utf8")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

function promtool(...args: string[]): void {
  const { status, stdout, stderr } = spawnSync("promtool", args, { encoding: "utf8" });
  assert.equal(status, 0, `${stdout}${stderr}`);
}

function scenarioOf(name: string, { alert }: AlertCase, { series, at }: AlertCase["fires"], fires: boolean) {
  const severity = rules.find((rule) => rule.alert === alert)?.labels.severity;
  const labels = fires ? Object.entries({ ...labelsOf(alert), alertname: alert, alertstate: "firing", severity }) : [];
  const expected = `ALERTS{${labels.map(([label, value]) => `${label}="${value}"`).join(",")}}`;
  return {
    name,
    interval: "1m",
    input_series: Object.entries(series).map(([given, values]) => ({ series: given, values })),
    promql_expr_test: [
      {
        expr: `ALERTS{alertname="${alert}",alertstate="firing"}`,
        eval_time: `${at}m`,
        exp_samples: fires ? [{ labels: expected, value: 1 }] : [],
      },
    ],
  };
}

function labelsOf(alert: string): Readonly<Record<string, string>> {
  return CASES.find((given) => given.alert === alert)?.fires.labels ?? {};
}

/** Evaluates one scenario with promtool; fails if the alert does not behave as expected. */
function evaluate(scenario: ReturnType<typeof scenarioOf>): void {
  const file = join(directory, "scenario.yaml");
  writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: "1m", tests: [scenario] }));
  promtool("test", "rules", file);
}

suite("promtool", () => {
  test("check rules accepts every rule and every template", () => promtool("check", "rules", RULES));

  test("every alert has a scenario in which it fires and one in which it does not", () => {
    assert.deepEqual(CASES.map(({ alert }) => alert).toSorted(), rules.map(({ alert }) => alert).toSorted());
  });

  for (const given of CASES) {
    test(`${given.alert} fires`, () => evaluate(scenarioOf("fires", given, given.fires, true)));
    test(`${given.alert} does not fire: ${given.quiet.because}`, () =>
      evaluate(scenarioOf("quiet", given, given.quiet, false)));
  }

  test("a wrong expectation is detected", () => {
    const [given] = CASES as [AlertCase];
    assert.throws(() => evaluate(scenarioOf("wrong", given, given.quiet, true)), { code: "ERR_ASSERTION" });
    assert.throws(() => evaluate(scenarioOf("wrong", given, given.fires, false)), { code: "ERR_ASSERTION" });
  });

  test("descriptions are rendered with labels and values", () => {
    const series = { 'podrole_watch_age_seconds{job="podrole-server",instance="a",resource="pods"}': "1200x20" };
    const [scenario] = [scenarioOf("text", CASES[0] as AlertCase, { series, at: 10 }, false)];
    const rule = rules.find(({ alert }) => alert === "PodroleWatchStale") as Rule & {
      readonly annotations: Readonly<Record<string, string>>;
    };
    const description = "The cache of pods in podrole-server at a was last confirmed by the API server 20m 0s ago.";
    const expected = {
      exp_labels: { job: "podrole-server", instance: "a", resource: "pods", severity: "warning" },
      exp_annotations: { ...rule.annotations, description },
    };
    const file = join(directory, "text.yaml");
    const alert_rule_test = [{ eval_time: "10m", alertname: rule.alert, exp_alerts: [expected] }];
    const { promql_expr_test: _none, ...rest } = scenario ?? assert.fail();
    writeFileSync(
      file,
      stringify({ rule_files: [RULES], evaluation_interval: "1m", tests: [{ ...rest, alert_rule_test }] }),
    );
    promtool("test", "rules", file);
  });
});
