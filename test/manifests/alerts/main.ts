// npm run test:alerts: the alert rules through Prometheus' own promtool (Debian package `prometheus`). Each alert fires
// in its one scene and stays quiet in the other. Without promtool this fails and says what is missing.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, suite, test } from "node:test";
import { parse, stringify } from "yaml";
import { type AlertCase, CASES } from "./cases.ts";

const ROOT = join(import.meta.dirname, "../../..");
const RULES = join(ROOT, "manifests/dashboards/alerts.yaml");
const directory = mkdtempSync(join(tmpdir(), "podrole-alerts-"));
after(() => rmSync(directory, { recursive: true }));

interface Rule {
  readonly alert: string;
  readonly labels: { readonly severity: string };
}

const { groups } = parse(readFileSync(RULES, "utf8")) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);

function promtool(...words: string[]): void {
  const { status, error, stdout, stderr } = spawnSync("promtool", words, { encoding: "utf8" });
  if (error) {
    assert.fail(
      `promtool cannot be run (${error.message}): it is in Debian's package "prometheus" and in the release archives of Prometheus (https://prometheus.io/download/)`,
    );
  }
  assert.equal(status, 0, `${stdout}${stderr}`);
}

function sceneOf(name: string, { alert }: AlertCase, { series, at }: AlertCase["fires"], fires: boolean) {
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

/** promtool's own verdict on one scene. */
function play(scene: ReturnType<typeof sceneOf>): void {
  const file = join(directory, "scene.yaml");
  writeFileSync(file, stringify({ rule_files: [RULES], evaluation_interval: "1m", tests: [scene] }));
  promtool("test", "rules", file);
}

suite("promtool", () => {
  test("check rules accepts every rule and every template", () => promtool("check", "rules", RULES));

  test("every alert has a scene in which it fires and one in which it does not", () => {
    assert.deepEqual(CASES.map(({ alert }) => alert).toSorted(), rules.map(({ alert }) => alert).toSorted());
  });

  for (const given of CASES) {
    test(`${given.alert} fires`, () => play(sceneOf("fires", given, given.fires, true)));
    test(`${given.alert} stays quiet: ${given.quiet.because}`, () => play(sceneOf("quiet", given, given.quiet, false)));
  }

  test("a scene that does not come true is found", () => {
    const [given] = CASES as [AlertCase];
    assert.throws(() => play(sceneOf("wrong", given, given.quiet, true)), { code: "ERR_ASSERTION" });
    assert.throws(() => play(sceneOf("wrong", given, given.fires, false)), { code: "ERR_ASSERTION" });
  });

  test("what a person reads is rendered: labels and values in the description", () => {
    const series = { 'podrole_watch_age_seconds{job="podrole-server",instance="a",resource="pods"}': "1200x20" };
    const [scene] = [sceneOf("text", CASES[0] as AlertCase, { series, at: 10 }, false)];
    const rule = rules.find(({ alert }) => alert === "PodroleWatchStale") as Rule & {
      readonly annotations: Readonly<Record<string, string>>;
    };
    const description = "The cache of pods in podrole-server at a was last proved fresh 20m 0s ago.";
    const expected = {
      exp_labels: { job: "podrole-server", instance: "a", resource: "pods", severity: "warning" },
      exp_annotations: { ...rule.annotations, description },
    };
    const file = join(directory, "text.yaml");
    const alert_rule_test = [{ eval_time: "10m", alertname: rule.alert, exp_alerts: [expected] }];
    const { promql_expr_test: _none, ...rest } = scene ?? assert.fail();
    writeFileSync(
      file,
      stringify({ rule_files: [RULES], evaluation_interval: "1m", tests: [{ ...rest, alert_rule_test }] }),
    );
    promtool("test", "rules", file);
  });
});
