import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseContainerFlags } from "../../../../src/operations/manifests/container-flags.ts";
import { convertKiam } from "../../../../src/operations/migrate/from-kiam/flag-table.ts";
import { convertKube2iam } from "../../../../src/operations/migrate/from-kube2iam/flag-table.ts";
import { chartValues } from "../../../../src/operations/migrate/settings/chart-values.ts";
import { readText } from "../../../files.ts";
import { EXPORT_BASE_ARN } from "../cluster-export.ts";

const NONE = new Map<string, string>();
const kube2iam = (...args: string[]) => convertKube2iam(parseContainerFlags(args));

suite("chartValues()", () => {
  test("puts settings that both programs take under settings, and leaves out empty parts", () => {
    const server = { roleBaseArn: EXPORT_BASE_ARN, assumeRoleArn: `${EXPORT_BASE_ARN}hop` };
    const webhook = { roleBaseArn: EXPORT_BASE_ARN };
    assert.deepEqual(chartValues({ server, webhook }, { replicas: 3, tolerations: [] }), {
      settings: { roleBaseArn: EXPORT_BASE_ARN },
      server: { settings: { assumeRoleArn: `${EXPORT_BASE_ARN}hop` }, replicas: 3 },
    });
    assert.deepEqual(chartValues({ server: {}, webhook: {} }, {}), {});
  });

  test("returns only values that the chart's schema defines", () => {
    const flags = parseContainerFlags([
      "--json-log",
      "--level=info",
      "--region=eu-central-1",
      `--role-base-arn=${EXPORT_BASE_ARN}`,
      `--assume-role-arn=${EXPORT_BASE_ARN}hop`,
      "--session-duration=2h",
      "--disable-strict-namespace-regexp",
    ]);
    const placement = {
      replicas: 3,
      tolerations: [],
      podLabels: { a: "b" },
      serviceAccount: { annotations: { a: "b" } },
    };
    const old = kube2iam("--default-role=usual", "--namespace-restriction-format=glob", "--log-format=json");
    const { server, webhook } = convertKiam(flags, NONE);
    for (const values of [chartValues({ server, webhook }, placement), chartValues(old, {})]) {
      assert.deepEqual(unknownTo(SCHEMA, values, "values"), []);
    }
    assert.deepEqual(unknownTo(SCHEMA, { server: { settings: { nosuch: "x" } } }, "values"), [
      "values.server.settings.nosuch",
    ]);
  });
});

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: unknown;
}

const SCHEMA = JSON.parse(readText("manifests/chart/values.schema.json")) as Schema;

/** Paths that the schema does not define. */
function unknownTo({ properties = {}, additionalProperties }: Schema, value: unknown, path: string): string[] {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = properties[key];
    if (known) return unknownTo(known, inner, `${path}.${key}`);
    return additionalProperties === false ? [`${path}.${key}`] : [];
  });
}
