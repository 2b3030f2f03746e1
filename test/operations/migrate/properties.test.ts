import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { reportText } from "../../../src/cli/output/migrate.ts";
import { wavesScript } from "../../../src/cli/output/waves.ts";
import type { KubernetesObject } from "../../../src/operations/manifests/parse-objects.ts";
import { podrolePermits } from "../../../src/operations/migrate/findings/namespace-permissions.ts";
import { createKiam, KIAM_DEFAULTS } from "../../../src/operations/migrate/from-kiam/authorization.ts";
import { takeInventory } from "../../../src/operations/migrate/input/inventory.ts";
import { makeReport } from "../../../src/operations/migrate/report.ts";
import { planWaves } from "../../../src/operations/migrate/waves.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { pods } from "../../injection/pods.ts";
import { fc } from "../../property.ts";
import { EXPORT_BASE_ARN } from "./cluster-export.ts";

const kiam = createKiam({ ...KIAM_DEFAULTS, baseArn: EXPORT_BASE_ARN });
const { policy } = PLAN_SETTINGS;

const piece = fc.constantFrom("team", "a", "b", ".*", "-", "[ab]", "(?:a|b)", "a?", ".", "\\d+");
const expression = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(""));
const name = fc
  .array(fc.constantFrom("team", "a", "b", "-", "7"), { minLength: 1, maxLength: 5 })
  .map((all) => all.join(""));
const namespaceOf = (permitted: string) => ({
  name: "shop",
  labels: {},
  annotations: { "iam.amazonaws.com/permitted": permitted },
  isKnown: true,
});

suite("kiam's interpretation and podrole's", () => {
  const run = { numRuns: 1_000 };

  test("agree on an expression without alternatives at the top level", () => {
    fc.assert(
      fc.property(expression, name, (text, role) => {
        const [namespace, arn] = [namespaceOf(`${EXPORT_BASE_ARN}${text}`), `${EXPORT_BASE_ARN}${role}`];
        assert.equal(kiam.permits(namespace, arn), podrolePermits(namespace, arn, policy));
      }),
      run,
    );
  });

  test("agree on alternatives in a group, and podrole never permits more", () => {
    fc.assert(
      fc.property(fc.array(expression, { minLength: 2, maxLength: 3 }), name, (texts, role) => {
        const arn = `${EXPORT_BASE_ARN}${role}`;
        const [open, grouped] = [
          namespaceOf(texts.map((text) => EXPORT_BASE_ARN + text).join("|")),
          namespaceOf(`${EXPORT_BASE_ARN}(?:${texts.join("|")})`),
        ];
        assert.equal(kiam.permits(grouped, arn), podrolePermits(grouped, arn, policy));
        assert.ok(kiam.permits(open, arn) || !podrolePermits(open, arn, policy));
      }),
      run,
    );
  });

  test("agree on the expression that keeps kiam's interpretation", () => {
    fc.assert(
      fc.property(fc.array(expression, { minLength: 1, maxLength: 3 }), name, (texts, role) => {
        const [text, arn] = [texts.map((each) => EXPORT_BASE_ARN + each).join("|"), `${EXPORT_BASE_ARN}${role}`];
        const asKiam = podrolePermits(namespaceOf(`.*(?:^${text}$).*`), arn, policy);
        assert.equal(asKiam, kiam.permits(namespaceOf(text), arn));
      }),
      run,
    );
  });
});

suite("makeReport()", () => {
  test("counts every pod once for arbitrary pods, and no printed line controls a terminal", () => {
    const anything = fc.oneof(pods, fc.record({ metadata: fc.object(), spec: fc.object() }));
    fc.assert(
      fc.property(fc.array(anything, { maxLength: 8 }), (given) => {
        const objects = given.map((pod, index): KubernetesObject => {
          const metadata = { ...pod.metadata, name: `pod-${index}`, namespace: index % 2 === 0 ? "shop" : "market" };
          return { ...pod, kind: "Pod", metadata };
        });
        const namespace = { kind: "Namespace", metadata: { name: "shop", annotations: namespaceOf(".*").annotations } };
        const inventory = takeInventory([namespace, ...objects]);
        const report = makeReport({ inventory, predecessor: kiam, settings: PLAN_SETTINGS, openMetadata: undefined });
        const judged = report.groups.reduce((sum, { pods: count }) => sum + count, 0);
        assert.equal(judged + inventory.problems.length + inventory.finished, given.length);
        assert.equal(judged, report.pods);
        const text = reportText(report) + wavesScript(planWaves(report, 2));
        assert.doesNotMatch(text.replaceAll("\n", ""), /\p{Cc}/u);
      }),
      { numRuns: 300 },
    );
  });
});
