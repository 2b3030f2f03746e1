// The report for people: the count first, then what needs hands, then what merely changes.
import { visible } from "../../cli/output/visible.ts";
import { VERDICTS, type Verdict } from "./findings.ts";
import type { PermissionChange, RoleUse } from "./permissions.ts";
import type { Group, Report } from "./report.ts";

const TITLES: Readonly<Record<Verdict, string>> = {
  refused: "Refused by podrole",
  needsWork: "Needs work first",
  changed: "Works, and changes",
  unchanged: "Unchanged",
};

/** `settings`: lines about what was read of the old system and converted. */
export function renderReport(report: Report, settings: readonly string[]): string {
  const heaviestFirst = VERDICTS.toReversed().filter((verdict) => verdict !== "unchanged");
  return [
    ...summary(report),
    ...section("Settings", settings),
    ...section("For every pod", report.general),
    ...section("Namespaces", report.permissions.flatMap(permissionLines)),
    ...heaviestFirst.flatMap((verdict) => verdictLines(report, verdict)),
    ...section(TITLES.unchanged, unchangedLines(report)),
    ...section("Not judged", report.problems),
  ]
    .map(visible)
    .join("\n");
}

function summary({ from, pods, namespaces, counts, withoutRole, moved, sdk, finished }: Report): readonly string[] {
  const { unchanged, changed, needsWork, refused } = counts;
  return [
    `${from} to podrole: ${plural(pods, "pod")} in ${plural(namespaces, "namespace")}`,
    `  ${unchanged} unchanged (${withoutRole} of them without a role), ${changed} change, ${needsWork} need work, ${refused} refused`,
    `  SDK of the pods with a role: ${sdk.new} new enough, ${sdk.old} too old, ${sdk.unknown} not to be told (docs/sdk.md)`,
    ...(moved > 0 ? [`  ${plural(moved, "pod")} injected already`] : []),
    ...(finished > 0 ? [`  ${plural(finished, "finished pod")} left out`] : []),
    "",
  ];
}

function section(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map((line) => `  ${line}`), ""];
}

function permissionLines({ namespace, stated, lost, gained, byName, remedies }: PermissionChange): readonly string[] {
  return [
    `${namespace}  ${stated === undefined ? "permits nothing by any annotation" : stated}`,
    ...lost.map((use) => `  allowed before, refused now: ${roleUse(use)}`),
    ...gained.map((use) => `  refused before, allowed now: ${roleUse(use)}`),
    ...byName.map((use) => `  refused before and now, its name alone matches: ${roleUse(use)}`),
    ...remedies.map(({ why, command }) => `  ${why}: ${command}`),
  ];
}

function roleUse({ arn, pods }: RoleUse): string {
  return pods === 0 ? `${arn} (no pod here asks for it)` : `${arn} (${plural(pods, "pod")} here)`;
}

function verdictLines({ groups, counts }: Report, verdict: Verdict): readonly string[] {
  const heavy = groups.filter((group) => group.verdict === verdict);
  const byNamespace = Map.groupBy(heavy, ({ namespace }) => namespace);
  const lines = [...byNamespace].flatMap(([namespace, members]) =>
    [namespace].concat(members.flatMap((group) => groupLines(group).map((line) => `  ${line}`))),
  );
  return section(`${TITLES[verdict]} (${plural(counts[verdict], "pod")})`, lines);
}

function groupLines({ kind, name, pods, before, after, findings }: Group): readonly string[] {
  const roles = before === after ? before : `${before} → ${after}`;
  return [
    `${kind}/${name} (${plural(pods, "pod")})  ${roles}`,
    ...findings.flatMap(({ id, text, todo }) => [
      `  ${id}: ${text}`,
      ...(todo === undefined ? [] : [`    do: ${todo}`]),
    ]),
  ];
}

function unchangedLines({ groups, counts, withoutRole }: Report): readonly string[] {
  const withRole = groups.filter(({ verdict, namesRole }) => verdict === "unchanged" && namesRole);
  const byNamespace = Map.groupBy(withRole, ({ namespace }) => namespace);
  const pods = (members: readonly Group[]) => members.reduce((sum, group) => sum + group.pods, 0);
  const notes = withRole.filter(({ findings }) => findings.length > 0);
  return [
    ...[...byNamespace].map(
      ([namespace, members]) =>
        `${namespace}: ${members.map((group) => `${group.kind}/${group.name}`).join(", ")} (${plural(pods(members), "pod")})`,
    ),
    ...(withoutRole > 0 ? [`without a role: ${plural(withoutRole, "pod")} of ${counts.unchanged}`] : []),
    ...notes.flatMap(({ namespace, kind, name, findings }) =>
      findings.map(({ text }) => `note on ${namespace} ${kind}/${name}: ${text}`),
    ),
  ];
}

export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}
