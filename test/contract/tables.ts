// What the tables in src/ declare: codes, reasons, ids, settings and metrics.

import { SKIP_REASONS } from "../../src/injection/skip-reasons.ts";
import { CLUSTER_CHECKS } from "../../src/operations/check/check.ts";
import { FINDING_IDS, FINDING_WEIGHTS, POD_VERDICTS } from "../../src/operations/migrate/findings/finding.ts";
import { ANNOTATIONS, LABELS } from "../../src/policy/annotations.ts";
import { SESSION_POLICY_KEY } from "../../src/policy/session-policy.ts";
import { ERRORS, type ErrorRow } from "../../src/protocol/errors.ts";
import type { MetricTable } from "../../src/runtime/metrics.ts";
import { envName, flagName, type SettingTable } from "../../src/runtime/settings.ts";
import { SERVER_METRICS } from "../../src/server/observability/metrics.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";
import { SIDECAR_METRICS } from "../../src/sidecar/metrics.ts";
import { SIDECAR_SETTINGS, WAIT_SETTINGS } from "../../src/sidecar/settings.ts";
import { WEBHOOK_METRICS } from "../../src/webhook/metrics.ts";
import { type Contract, type Entries, entriesOf } from "./entries.ts";

export function errorEntries(table: Readonly<Record<string, ErrorRow>>): Entries {
  return entriesOf(
    Object.entries(table),
    ([code]) => code,
    ([, { http, grpc, retry, keep }]) =>
      `HTTP ${http}, gRPC ${grpc}, ${retry ? "retry" : "no retry"}, ${keep ? "keep" : "drop"}`,
  );
}

export function settingEntries(table: SettingTable): Entries {
  return entriesOf(
    Object.entries(table),
    ([key]) => key,
    ([key, { default: value }]) => {
      const standard = value === undefined ? "required" : value === null ? "optional" : `default ${value}`;
      return `--${flagName(key)}, ${envName(key)}, ${standard}`;
    },
  );
}

function metricEntries(table: MetricTable): Entries {
  return entriesOf(
    Object.values(table),
    ({ name }) => name,
    ({ type, labels = [] }) => [type, ...labels.toSorted()].join(", "),
  );
}

const named = (names: Iterable<string>, what: string) =>
  entriesOf(
    names,
    (name) => name,
    () => what,
  );

export function tablesContract(): Contract {
  return {
    errors: errorEntries(ERRORS),
    "skip reasons": named(Object.keys(SKIP_REASONS), "skip reason"),
    checks: entriesOf(
      Object.entries(CLUSTER_CHECKS),
      ([id]) => id,
      ([, { section, when }]) => `section ${section}, ${when}`,
    ),
    "migrate findings": named(FINDING_IDS, "finding"),
    "migrate verdicts and weights": { ...named(POD_VERDICTS, "verdict"), ...named(FINDING_WEIGHTS, "weight") },
    "settings of server": settingEntries(SERVER_SETTINGS),
    "settings of webhook": settingEntries(WEBHOOK_SETTINGS),
    "settings of sidecar": settingEntries(SIDECAR_SETTINGS),
    "settings of sidecar wait": settingEntries(WAIT_SETTINGS),
    "metrics of server": metricEntries(SERVER_METRICS),
    "metrics of webhook": metricEntries(WEBHOOK_METRICS),
    "metrics of sidecar": metricEntries(SIDECAR_METRICS),
    "annotations and labels": {
      ...named(
        Object.entries(ANNOTATIONS).map(([key, name]) => (key === "roleOfContainer" ? `${name}<container>` : name)),
        "annotation",
      ),
      ...entriesOf(
        Object.values(LABELS),
        (name) => `${name} (label)`,
        () => "label",
      ),
    },
    "session policy ConfigMap": named([SESSION_POLICY_KEY], "key"),
  };
}
