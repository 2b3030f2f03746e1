// The waves of a migration as a shell script. Namespaces that need work are commented out.
import { countOf, podsIn } from "../../operations/format.ts";
import { isBuiltIn } from "../../operations/manifests/templates.ts";
import type { WorkloadGroup } from "../../operations/migrate/report.ts";
import { objectArgument, shellCommentText, shellQuote } from "../../operations/migrate/shell-commands.ts";
import type { NamespaceMove, WavePlan } from "../../operations/migrate/waves.ts";
import { RESTARTABLE_KINDS } from "../../operations/next-steps.ts";
import { INJECTED_PODS } from "../../policy/annotations.ts";
import { escapeControls } from "./text.ts";

/** Returns the script; commands for namespaces that need work first are comments. */
export function wavesScript({ from, waves, postponed }: WavePlan): string {
  return [
    "# For each wave: label the namespaces, restart the pods, check the pods, and wait one day before the next wave.",
    `# Both systems can run at the same time: ${from} serves pods that call 169.254.169.254, which injected pods do not.`,
    "# To roll back a namespace: kubectl label namespace NAME podrole.io/inject- and restart the same pods.",
    ...waves.flatMap((wave, index) => waveLines(wave, index + 1, waves.length)),
    ...(postponed.length === 0
      ? []
      : ["", "# Do not migrate these namespaces yet: they need work first (see the report)."]),
    ...postponed.flatMap(postponedLines),
    "",
  ]
    .map(escapeControls)
    .join("\n");
}

function waveLines(wave: readonly NamespaceMove[], number: number, count: number): readonly string[] {
  const pods = podsIn(wave);
  return [
    "",
    `# Wave ${number} of ${count}: ${countOf(wave.length, "namespace")}, ${countOf(pods, "pod")} with a role`,
    ...wave.flatMap(({ name, groups, risk }) => [
      ...(risk === 1 ? [`# ${shellCommentText(name)}: something changes for some pods (see the report)`] : []),
      ...commandsFor(name, groups),
    ]),
  ];
}

function postponedLines({ name, groups }: NamespaceMove): readonly string[] {
  const reasons = groups
    .filter(({ verdict }) => verdict === "refused" || verdict === "needsWork")
    .map(({ kind, name: owner, findings }) => {
      const heavy = findings.filter(({ weight }) => weight === "work" || weight === "refused");
      return `#   ${shellCommentText(`${kind}/${owner}`)}: ${heavy.map(({ id }) => id).join(", ")}`;
    });
  const head = [`# ${shellCommentText(name)}:`, ...new Set(reasons)];
  // podrole injects nothing in such a namespace, so a label would have no effect.
  if (groups.every(({ findings }) => findings.some(({ id }) => id === "place"))) return head;
  return [...head, ...commandsFor(name, groups).map((line) => (line.startsWith("#") ? line : `# ${line}`))];
}

function commandsFor(namespace: string, groups: readonly WorkloadGroup[]): readonly string[] {
  const restarts = groups.map((group) => restartCommand(namespace, group));
  return [
    `kubectl label namespace ${shellQuote(namespace)} podrole.io/inject=enabled`,
    ...new Set(restarts),
    `kubectl -n ${shellQuote(namespace)} get pods -l ${INJECTED_PODS}`,
  ];
}

function restartCommand(namespace: string, group: WorkloadGroup): string {
  const { kind, name, updateStrategy, apiVersion, managedBy } = group;
  const target = `${kind.toLowerCase()}/${name}`;
  const named = shellCommentText(target);
  if (managedBy)
    return `# ${named} is managed by ${shellCommentText(`${managedBy.kind}/${managedBy.name}`)}: restart it as its operator documents`;
  if (kind === "Pod") return `# ${named} has no controller: it is injected when it is created again`;
  if (!isBuiltIn(kind, apiVersion)) return restartByOperator(namespace, group);
  if (RESTARTABLE_KINDS.has(kind) && updateStrategy !== "OnDelete")
    return `kubectl -n ${shellQuote(namespace)} rollout restart ${objectArgument(kind, name)}`;
  if (RESTARTABLE_KINDS.has(kind)) return `# ${named} has updateStrategy OnDelete: delete its pods one at a time`;
  if (kind === "CronJob") return `# ${named}: pods of its next run are injected`;
  if (kind === "Job") return `# ${named}: only pods that it creates from now on are injected`;
  return `# ${named}: delete its pods one at a time; those that it creates instead are injected`;
}

/** podrole does not know what such a resource does with data when its pods or itself are deleted. */
function restartByOperator(namespace: string, { kind, name, apiVersion = "" }: WorkloadGroup): string {
  if (kind === "Rollout" && apiVersion.startsWith("argoproj.io/"))
    return `# rollout/${shellCommentText(name)}: kubectl argo rollouts -n ${shellQuote(namespace)} restart ${shellQuote(name)}`;
  const named = shellCommentText(`${kind}/${name}`);
  return `# ${named} (${shellCommentText(apiVersion) || "unknown group"}) belongs to an operator: restart its pods as the operator documents`;
}
