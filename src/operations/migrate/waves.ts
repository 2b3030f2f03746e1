// The order in which namespaces move: those where nothing is to be done and little can break first, those that need
// work last and commented out. Commands only: nothing is run.
import type { Group, Report } from "./report.ts";
import { shellQuote } from "./remedies.ts";
import { plural } from "./text.ts";
import { visible } from "../../cli/output/visible.ts";

interface NamespaceRisk {
  readonly name: string;
  readonly groups: readonly Group[];
  readonly pods: number;
  /** 0: nothing changes; 1: something works differently; 2: something must be done first. */
  readonly risk: 0 | 1 | 2;
}

/** A shell script of `count` waves; the namespaces that need work stand behind them. */
export function renderWaves(report: Report, count: number): string {
  const namespaces = namespacesByRisk(report);
  const ready = namespaces.filter(({ risk }) => risk < 2);
  const later = namespaces.filter(({ risk }) => risk === 2);
  const waves = divide(ready, count);
  return [
    "# Each wave: label, restart, look, wait a day. Both systems may run meanwhile: kiam or kube2iam serve whoever asks",
    "# 169.254.169.254, and injected pods no longer ask there.",
    "# Back again: kubectl label namespace NAME podrole.io/inject- and the same restarts.",
    ...waves.flatMap((wave, index) => waveLines(wave, index + 1, waves.length)),
    ...(later.length === 0 ? [] : ["", "# Not yet: these need work first (see the report)."]),
    ...later.flatMap(laterLines),
    "",
  ]
    .map(visible)
    .join("\n");
}

/** Namespaces that have a pod with a role that is not injected yet, least risk first, then the fewest pods. */
export function namespacesByRisk({ groups }: Report): readonly NamespaceRisk[] {
  const byNamespace = Map.groupBy(
    groups.filter(({ namesRole, isMoved }) => namesRole && !isMoved),
    ({ namespace }) => namespace,
  );
  return [...byNamespace]
    .map(([name, members]): NamespaceRisk => {
      const verdicts = new Set(members.map(({ verdict }) => verdict));
      const risk = verdicts.has("refused") || verdicts.has("needsWork") ? 2 : verdicts.has("changed") ? 1 : 0;
      return { name, groups: members, pods: members.reduce((sum, { pods }) => sum + pods, 0), risk };
    })
    .toSorted((a, b) => a.risk - b.risk || a.pods - b.pods || (a.name < b.name ? -1 : 1));
}

/** Into `count` parts, none empty, the first ones smaller: a fault shows where it hurts least. */
function divide<T>(elements: readonly T[], count: number): readonly (readonly T[])[] {
  const parts = Math.min(count, elements.length);
  return Array.from({ length: parts }, (_, index) =>
    elements.slice(Math.floor((elements.length * index) / parts), Math.floor((elements.length * (index + 1)) / parts)),
  );
}

function waveLines(wave: readonly NamespaceRisk[], number: number, count: number): readonly string[] {
  const pods = wave.reduce((sum, namespace) => sum + namespace.pods, 0);
  return [
    "",
    `# Wave ${number} of ${count}: ${plural(wave.length, "namespace")}, ${plural(pods, "pod")} with a role`,
    ...wave.flatMap(({ name, groups, risk }) => [
      ...(risk === 1 ? [`# ${name}: some pods change (see the report)`] : []),
      ...commandsFor(name, groups),
    ]),
  ];
}

function laterLines({ name, groups }: NamespaceRisk): readonly string[] {
  const reasons = groups
    .filter(({ verdict }) => verdict === "refused" || verdict === "needsWork")
    .map(({ kind, name: owner, findings }) => {
      const heavy = findings.filter(({ weight }) => weight === "work" || weight === "refused");
      return `#   ${kind}/${owner}: ${heavy.map(({ id }) => id).join(", ")}`;
    });
  const head = [`# ${name}:`, ...new Set(reasons)];
  // Where podrole injects nothing, a label would do nothing.
  if (groups.every(({ findings }) => findings.some(({ id }) => id === "place"))) return head;
  return [...head, ...commandsFor(name, groups).map((line) => (line.startsWith("#") ? line : `# ${line}`))];
}

function commandsFor(namespace: string, groups: readonly Group[]): readonly string[] {
  const restarts = groups.map((group) => restart(namespace, group));
  return [
    `kubectl label namespace ${shellQuote(namespace)} podrole.io/inject=enabled`,
    ...new Set(restarts),
    `kubectl -n ${shellQuote(namespace)} get pods -l podrole.io/injected=true`,
  ];
}

const ROLLED = new Set(["Deployment", "StatefulSet", "DaemonSet"]);

function restart(namespace: string, { kind, name, updateStrategy }: Group): string {
  const target = `${kind.toLowerCase()}/${name}`;
  if (ROLLED.has(kind) && updateStrategy !== "OnDelete")
    return `kubectl -n ${shellQuote(namespace)} rollout restart ${shellQuote(target)}`;
  if (ROLLED.has(kind)) return `# ${target} has updateStrategy OnDelete: delete its pods one by one`;
  if (kind === "Job" || kind === "CronJob") return `# ${target}: its next run is injected`;
  return `# ${target}: delete and create it again`;
}
