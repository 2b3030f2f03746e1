// Plans the migration of a cluster from kiam or kube2iam to podrole: a report about every pod, and the predecessor's settings
// as podrole's. Only reads; changes nothing in any cluster.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { type InputDeps, type InputSource, type MigrationProblem, readInput } from "./input/read-input.ts";
import { type Inventory, takeInventory } from "./input/inventory.ts";
import { type KiamValues, readKiamValues } from "./from-kiam/helm-values.ts";
import { makeReport, type Report } from "./report.ts";
import { kiamInstallation } from "./from-kiam/installation.ts";
import { kube2iamInstallation } from "./from-kube2iam/installation.ts";
import type { PredecessorInstallation } from "./predecessor/installation.ts";
import { type Environment, podroleSettings } from "./settings/podrole-settings.ts";

export interface MigrateOptions {
  readonly from: "kiam" | "kube2iam";
  readonly input: InputSource;
  /** Values of kiam's Helm chart, which replace the command lines in the input. */
  readonly kiamValuesFile: string | undefined;
  /** Prefix of short role names; replaces the one in the input. */
  readonly roleBaseArn: string | undefined;
  /** PODROLE_… variables override converted settings. */
  readonly environment: Environment;
}

export type MigrateResult =
  | { readonly ok: true; readonly report: Report; readonly installation: PredecessorInstallation }
  | { readonly ok: false; readonly problems: readonly MigrationProblem[] };

/** Throws ApiError if the cluster does not answer. */
export async function migrate(deps: InputDeps, options: MigrateOptions): Promise<MigrateResult> {
  const { from, roleBaseArn, kiamValuesFile } = options;
  const read = await readInput(deps, options.input);
  if (!read.ok) return read;
  const values = kiamValuesFile === undefined ? undefined : await readValues(kiamValuesFile);
  if (values && "text" in values) return { ok: false, problems: [values] };
  const installation =
    from === "kiam"
      ? kiamInstallation(read.objects, values, roleBaseArn)
      : kube2iamInstallation(read.objects, roleBaseArn);
  const target = podroleSettings(installation.conversion, options.environment, read.nativeSidecars);
  if (!target.ok) return { ok: false, problems: target.problems.map((text) => ({ text })) };
  const inventory = takeInventory(read.objects);
  const unresolved = unresolvedRole(inventory, installation);
  if (unresolved !== undefined) return { ok: false, problems: [unresolved] };
  const { predecessor, openMetadata } = installation;
  const report = makeReport({ inventory, predecessor, settings: target.value, openMetadata });
  return { ok: true, report: { ...report, problems: [...read.omissions, ...report.problems] }, installation };
}

/** A short role name cannot be assessed without the base ARN. */
function unresolvedRole(
  { workloads }: Inventory,
  { predecessor, baseArn }: PredecessorInstallation,
): MigrationProblem | undefined {
  if (baseArn !== undefined) return undefined;
  const annotated = workloads.flatMap(({ instances }) => instances.map(({ pod }) => pod.metadata.annotations ?? {}));
  const short = annotated.map((all) => all[predecessor.roleKey]).find((role) => role && !/^arn:/i.test(role));
  if (short === undefined) return undefined;
  return { option: "roleBaseArn", text: `required: "${short}" is a short role name and the input has no base ARN` };
}

async function readValues(path: string): Promise<KiamValues | MigrationProblem> {
  try {
    return readKiamValues(parse(await readFile(path, "utf8")) as unknown);
  } catch {
    return { option: "kiamValues", text: `${path} cannot be read as YAML` };
  }
}
