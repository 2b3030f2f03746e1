// podrole migrate kiam|kube2iam: what would change, pod by pod, when a cluster moves to podrole; labels in waves; the
// old settings as podrole's. It reads and prints: it changes nothing, in no cluster.
// Exit codes: 0 nothing needs work, 1 something does, 2 the command line or the input cannot be used.
import { readFile } from "node:fs/promises";
import { parse, stringify } from "yaml";
import { parseBaseArn } from "../../policy/role.ts";
import { flagName, oneOf } from "../../runtime/settings.ts";
import type { Action, Terminal } from "../../cli/terminal.ts";
import { type Inventory, takeInventory } from "./inventory.ts";
import { readInput } from "./input.ts";
import { leave } from "./departure/leave.ts";
import { readKiamValues } from "./kiam-values.ts";
import { makeReport, type Report } from "./report.ts";
import { kiamOf, kube2iamOf, type OldSystem } from "./source.ts";
import { targetSettings } from "./target.ts";
import { renderReport } from "./text.ts";
import { renderValues } from "./values.ts";
import { renderWaves } from "./waves.ts";

type Flags = Readonly<Record<string, string>>;

const OUTPUTS = oneOf(["text", "json", "yaml", "values"]);

export const migrate: Action = async (terminal, flags, [from]) => {
  const foreign = foreignFlags(flags, from ?? "");
  if (foreign.length > 0) return fail(terminal, foreign);
  if (from === "irsa" || from === "pod-identity") return leave(terminal, flags, from);
  const options = readOptions(flags);
  if ("problems" in options) return fail(terminal, options.problems);
  return migrateFrom(terminal, flags, from === "kube2iam" ? "kube2iam" : "kiam", options);
};

/** Flags that only some systems need: one that says nothing was meant for another. */
const NEEDED_BY: Readonly<Record<string, readonly string[]>> = {
  kiamValues: ["kiam"],
  waves: ["kiam", "kube2iam"],
  oidcProvider: ["irsa"],
  clusterName: ["pod-identity"],
  region: ["pod-identity"],
  account: ["irsa", "pod-identity"],
};

function foreignFlags(flags: Flags, system: string): readonly string[] {
  return Object.entries(NEEDED_BY)
    .filter(([key, systems]) => flags[key] !== undefined && !systems.includes(system))
    .map(([key]) => `--${flagName(key)}: ${system} does not need it`);
}

interface Options {
  readonly output: "text" | "json" | "yaml" | "values";
  readonly waves: number | undefined;
  readonly baseArn: string | undefined;
}

function readOptions({
  output = "text",
  waves,
  roleBaseArn,
}: Flags): Options | { readonly problems: readonly string[] } {
  const format = OUTPUTS.parse(output);
  const isCount = waves === undefined || /^[1-9]\d?$/.test(waves);
  const problems = [
    ...(format === undefined ? [`--output: "${output}" is not ${OUTPUTS.expects}`] : []),
    ...(waves !== undefined && format !== "text"
      ? [`--output: "${output}" does not go with --waves, which prints a shell script`]
      : []),
    ...(isCount ? [] : [`--waves: "${waves}" is not a whole number from 1 to 99`]),
    ...(roleBaseArn === undefined || parseBaseArn(roleBaseArn) !== undefined
      ? []
      : [`--role-base-arn: "${roleBaseArn}" is not a base ARN such as "arn:aws:iam::123456789012:role/"`]),
  ];
  if (problems.length > 0 || format === undefined) return { problems };
  return { output: format, waves: waves === undefined ? undefined : Number(waves), baseArn: roleBaseArn };
}

async function migrateFrom(
  terminal: Terminal,
  flags: Flags,
  from: "kiam" | "kube2iam",
  { output, waves, baseArn }: Options,
): Promise<number> {
  const read = await readInput(terminal, flags, `migrate ${from}`);
  if (!read.ok) return fail(terminal, read.problems);
  const values = flags["kiamValues"] === undefined ? undefined : await readValues(flags["kiamValues"]);
  if (typeof values === "string") return fail(terminal, [values]);
  const old = from === "kiam" ? kiamOf(read.objects, values, baseArn) : kube2iamOf(read.objects, baseArn);
  const target = targetSettings(old.conversion, terminal.env, read.nativeSidecars);
  if (!target.ok) return fail(terminal, target.problems);

  const inventory = takeInventory(read.objects);
  const short = shortRole(inventory, old);
  if (short !== undefined) return fail(terminal, [short]);
  const { predecessor, openMetadata } = old;
  const made = makeReport({ inventory, predecessor, settings: target.settings, openMetadata });
  const report = { ...made, problems: [...read.omissions, ...made.problems] };
  terminal.out(render(report, old, output, waves));
  // Values are settings, whatever the pods need.
  return output !== "values" && report.counts.needsWork + report.counts.refused > 0 ? 1 : 0;
}

function render(report: Report, old: OldSystem, output: Options["output"], waves: number | undefined): string {
  const settings = settingsLines(old, report.from);
  switch (output) {
    case "values":
      return renderValues(old.conversion, old.placement);
    case "json":
      return `${JSON.stringify({ ...report, settings: old.conversion }, null, 2)}\n`;
    case "yaml":
      return stringify({ ...report, settings: old.conversion }, { lineWidth: 0, aliasDuplicateObjects: false });
    case "text":
      return waves === undefined ? renderReport(report, settings) : renderWaves(report, waves);
  }
}

function settingsLines({ conversion, place }: OldSystem, from: string): readonly string[] {
  const where = place === undefined ? `no ${from} was found in the input: its defaults are taken` : `found in ${place}`;
  const kept = [...new Set([...Object.entries(conversion.server), ...Object.entries(conversion.webhook)].map(String))];
  return [where, ...kept.map((pair) => pair.replace(",", ": ")), ...conversion.remarks];
}

/** Nothing can be said about a short name without knowing what goes before it. */
function shortRole({ workloads }: Inventory, { predecessor, baseArn }: OldSystem): string | undefined {
  if (baseArn !== undefined) return undefined;
  const annotated = workloads.flatMap(({ instances }) => instances.map(({ pod }) => pod.metadata.annotations ?? {}));
  const short = annotated.map((all) => all[predecessor.roleKey]).find((role) => role && !/^arn:/i.test(role));
  if (short === undefined) return undefined;
  return `--role-base-arn: it is needed for roles such as "${short}", and no base ARN is in the input`;
}

async function readValues(path: string) {
  try {
    return readKiamValues(parse(await readFile(path, "utf8")) as unknown);
  } catch {
    return `--kiam-values: ${path} cannot be read as YAML`;
  }
}

function fail({ err }: Terminal, problems: readonly string[]): number {
  for (const problem of problems) err(`podrole migrate: ${problem}\n`);
  return 2;
}
