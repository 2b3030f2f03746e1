// The migration report as text: the counts first, then what needs work, then what merely changes.
import { countOf, podsIn } from "../../operations/format.ts";
import { POD_VERDICTS, type PodVerdict } from "../../operations/migrate/findings/finding.ts";
import type { PermissionChange, RoleUse } from "../../operations/migrate/findings/namespace-permissions.ts";
import type { MigrationProblem } from "../../operations/migrate/input/read-input.ts";
import type { PredecessorInstallation } from "../../operations/migrate/predecessor/installation.ts";
import type { MigrationReport, WorkloadGroup } from "../../operations/migrate/report.ts";
import { chartValues } from "../../operations/migrate/settings/chart-values.ts";
import { flagName } from "../../runtime/settings.ts";
import { escapeControls, jsonText } from "./text.ts";
import { yamlText } from "./yaml-text.ts";

const VERDICT_TITLES: Readonly<Record<PodVerdict, string>> = {
  refused: "Refused by podrole",
  needsWork: "Needs work first",
  changed: "Works, but changes",
  unchanged: "Unchanged",
};

/** `installation` is undefined if its settings are not part of the report. */
export function reportText(report: MigrationReport, installation?: PredecessorInstallation): string {
  const heaviestFirst = POD_VERDICTS.toReversed().filter((verdict) => verdict !== "unchanged");
  return [
    ...summaryLines(report),
    ...titledLines("Settings", installation ? settingsLines(installation) : []),
    ...titledLines("For every pod", report.general),
    ...titledLines(
      "Namespaces",
      report.permissions.flatMap((change) => permissionLines(change, report.from)),
    ),
    ...heaviestFirst.flatMap((verdict) => verdictLines(report, verdict)),
    ...titledLines(VERDICT_TITLES.unchanged, unchangedLines(report)),
    ...titledLines("Not assessed", report.problems),
  ]
    .map(escapeControls)
    .join("\n");
}

function summaryLines({
  from,
  pods,
  namespaces,
  counts,
  withoutRole,
  moved,
  sdk,
  finished,
}: MigrationReport): readonly string[] {
  const { unchanged, changed, needsWork, refused } = counts;
  const verbs = [changed === 1 ? "changes" : "change", needsWork === 1 ? "needs work" : "need work"];
  return [
    `${from} to podrole: ${countOf(pods, "pod")} in ${countOf(namespaces, "namespace")}`,
    `  ${unchanged} unchanged (of these, ${withoutRole} without a role), ${changed} ${verbs[0]}, ${needsWork} ${verbs[1]}, ${refused} refused`,
    `  AWS SDKs of the pods with a role: ${sdk.new} new enough, ${sdk.old} too old, ${sdk.unknown} unknown (docs/sdk.md)`,
    ...(moved > 0 ? [`  ${countOf(moved, "pod")} already injected`] : []),
    ...(finished > 0 ? [`  ${countOf(finished, "finished pod")} not assessed`] : []),
    "",
  ];
}

function settingsLines({ conversion, place, predecessor: { name } }: PredecessorInstallation): readonly string[] {
  const origin =
    place === undefined
      ? `${name} was not found in the input, so its default settings are assumed`
      : `${name} found in ${place}`;
  const settings = [...Object.entries(conversion.server), ...Object.entries(conversion.webhook)];
  return [origin, ...new Set(settings.map(([key, value]) => `${key}: ${value}`)), ...conversion.remarks];
}

function titledLines(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ""];
}

function permissionLines(change: PermissionChange, old: string): readonly string[] {
  const { namespace, stated, lost, gained, byName, remedies } = change;
  return [
    `${namespace}  ${stated === undefined ? "no annotation permits any role" : stated}`,
    ...lost.map((use) => `  permitted by ${old}, refused by podrole: ${roleUse(use)}`),
    ...gained.map((use) => `  refused by ${old}, permitted by podrole: ${roleUse(use)}`),
    ...byName.map((use) => `  refused by both, because only the role's name matches: ${roleUse(use)}`),
    ...remedies.map(({ why, command }) => `  ${why}: ${command}`),
  ];
}

function roleUse({ arn, pods }: RoleUse): string {
  return pods === 0
    ? `${arn} (requested by no pod of this namespace)`
    : `${arn} (requested by ${countOf(pods, "pod")} of this namespace)`;
}

function verdictLines({ groups, counts }: MigrationReport, verdict: PodVerdict): readonly string[] {
  const selected = groups.filter((group) => group.verdict === verdict);
  const byNamespace = Map.groupBy(selected, ({ namespace }) => namespace);
  const lines = [...byNamespace].flatMap(([namespace, members]) =>
    [namespace].concat(members.flatMap((group) => workloadLines(group).map((line) => `  ${line}`))),
  );
  return titledLines(`${VERDICT_TITLES[verdict]} (${countOf(counts[verdict], "pod")})`, lines);
}

function workloadLines({ kind, name, pods, before, after, findings }: WorkloadGroup): readonly string[] {
  const roles = before === after ? before : `${before} → ${after}`;
  return [
    `${kind}/${name} (${countOf(pods, "pod")})  ${roles}`,
    ...findings.flatMap(({ id, text, todo }) => [
      `  ${id}: ${text}`,
      ...(todo === undefined ? [] : [`    do: ${todo}`]),
    ]),
  ];
}

function unchangedLines({ groups, counts, withoutRole }: MigrationReport): readonly string[] {
  const withRole = groups.filter(({ verdict, namesRole }) => verdict === "unchanged" && namesRole);
  const byNamespace = Map.groupBy(withRole, ({ namespace }) => namespace);
  const noted = withRole.filter(({ findings }) => findings.length > 0);
  return [
    ...[...byNamespace].map(
      ([namespace, members]) =>
        `${namespace}: ${members.map((group) => `${group.kind}/${group.name}`).join(", ")} (${countOf(podsIn(members), "pod")})`,
    ),
    ...(withoutRole > 0 ? [`without a role: ${withoutRole} of ${countOf(counts.unchanged, "pod")}`] : []),
    ...noted.flatMap(({ namespace, kind, name, findings }) =>
      findings.map(({ text }) => `note on ${namespace} ${kind}/${name}: ${text}`),
    ),
  ];
}

/** Values for podrole's chart as YAML; what could not be converted stands above it as comments. */
export function valuesYaml({
  conversion: { remarks, ...settings },
  place,
  placement,
}: PredecessorInstallation): string {
  const source = place === undefined ? [] : [`converted from ${place}`];
  const comments = [...source, ...remarks].map((remark) => `# ${escapeControls(remark)}\n`).join("");
  return `${comments}${yamlText(chartValues(settings, placement))}`;
}

/** JSON or YAML with every field of the data. */
export function formatData(data: object, format: "json" | "yaml"): string {
  return format === "json" ? jsonText(data) : yamlText(data);
}

/** Returns the problem behind the flag that it is about, if it is about one. */
export function migrationProblemText({ option, text }: MigrationProblem): string {
  return option === undefined ? text : `--${flagName(option)}: ${text}`;
}
