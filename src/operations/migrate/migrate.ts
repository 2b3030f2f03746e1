// Plans the migration of a cluster from kiam or kube2iam to podrole: a report about every pod, and the predecessor's
// settings as podrole's. Only reads; changes nothing in any cluster.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { type Checked, failure, type Result, success } from "../../runtime/result.ts";
import type { Installed } from "../installed.ts";
import { type KiamValues, readKiamValues } from "./from-kiam/helm-values.ts";
import { kiamInstallation } from "./from-kiam/installation.ts";
import { kube2iamInstallation } from "./from-kube2iam/installation.ts";
import { type Inventory, takeInventory } from "./input/inventory.ts";
import { type InputDeps, type InputSource, type MigrationProblem, readMigrationInput } from "./input/read-input.ts";
import { onlyBaseArn } from "./predecessor/detected-base-arn.ts";
import type { PredecessorInstallation } from "./predecessor/installation.ts";
import { type MigrationReport, makeReport } from "./report.ts";
import {
  hasOwnSettings,
  installedSettings,
  podroleSettings,
  type SettingVariables,
} from "./settings/podrole-settings.ts";

/** The predecessor, the input, and what replaces parts of it. */
export interface MigrateOptions {
  readonly from: "kiam" | "kube2iam";
  readonly input: InputSource;
  /** Values of kiam's Helm chart, which replace the command lines in the input. */
  readonly kiamValuesFile: string | undefined;
  /** Prefix of short role names; replaces the one in the input. */
  readonly roleBaseArn: string | undefined;
  /** PODROLE_… variables override converted settings. */
  readonly environment: SettingVariables;
}

/** The report, and what it was made from. */
export interface MigrationPlan {
  readonly report: MigrationReport;
  readonly installation: PredecessorInstallation;
}

/** Throws ApiError if the cluster does not answer. */
export async function migrate(
  deps: InputDeps,
  options: MigrateOptions,
): Promise<Checked<MigrationPlan, MigrationProblem>> {
  const { from, roleBaseArn, kiamValuesFile } = options;
  const read = await readMigrationInput(deps, options.input);
  if (!read.ok) return read;
  const { objects, omissions, hasNativeSidecars, installed } = read.value;
  const values = kiamValuesFile === undefined ? success(undefined) : await readValues(kiamValuesFile);
  if (!values.ok) return { ok: false, problems: [values.problem] };
  const installationWith = (baseArn: string | undefined) =>
    from === "kiam" ? kiamInstallation(objects, values.value, baseArn) : kube2iamInstallation(objects, baseArn);
  const found = installationWith(roleBaseArn);
  const detected = detectsBaseArn(found)
    ? (installed.webhook?.settings?.roleBaseArn ?? onlyBaseArn(objects))
    : undefined;
  const installation = detected === undefined ? found : withRemark(installationWith(detected), detected);
  const own = hasOwnSettings(options.environment)
    ? undefined
    : installedSettings(installed, hasNativeSidecars, installation.baseArn);
  const target = own ? success(own) : podroleSettings(installation.conversion, options.environment, hasNativeSidecars);
  if (!target.ok) return { ok: false, problems: target.problems.map((text) => ({ text })) };
  const inventory = takeInventory(objects);
  const unresolved = unresolvedRole(inventory, installation);
  if (unresolved !== undefined) return { ok: false, problems: [unresolved] };
  const { predecessor, openMetadata } = installation;
  const report = makeReport({ inventory, predecessor, settings: target.value, openMetadata });
  const general = own ? [ofInstalled(installed), ...report.general] : report.general;
  return success({ report: { ...report, general, problems: [...omissions, ...report.problems] }, installation });
}

/** The predecessor asks AWS for the base ARN at run time. */
function detectsBaseArn({ baseArn, conversion }: PredecessorInstallation): boolean {
  return baseArn === undefined && conversion.server["roleBaseArnAutodetect"] === "true";
}

function withRemark(installation: PredecessorInstallation, baseArn: string): PredecessorInstallation {
  const { conversion, predecessor } = installation;
  const remark = `${predecessor.name} detects its base ARN at run time; assumed: ${baseArn}, as in podrole's settings or in every role ARN of the input (--role-base-arn sets another)`;
  return { ...installation, conversion: { ...conversion, remarks: [...conversion.remarks, remark] } };
}

function ofInstalled({ server, webhook }: Installed): string {
  const sources = new Set([...(webhook?.sources ?? []), ...(server?.sources ?? [])]);
  return `settings: those of the installed podrole decide (${[...sources].join(", ")}), not the converted ones`;
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

async function readValues(path: string): Promise<Result<KiamValues, MigrationProblem>> {
  try {
    return success(readKiamValues(parse(await readFile(path, "utf8")) as unknown));
  } catch {
    return failure({ option: "kiamValues", text: `${path} cannot be read as YAML` });
  }
}
