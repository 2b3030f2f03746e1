// Plans the migration of a cluster from kiam or kube2iam to podrole: a report about every pod, and the predecessor's
// settings as podrole's. Only reads; changes nothing in any cluster.
import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { type Checked, failure, type Result, success } from "../../runtime/result.ts";
import type { Installed } from "../installed.ts";
import { type KubernetesObject, namespaceOf } from "../manifests/parse-objects.ts";
import { type KiamValues, readKiamValues } from "./from-kiam/helm-values.ts";
import { kiamInstallation } from "./from-kiam/installation.ts";
import { kube2iamInstallation } from "./from-kube2iam/installation.ts";
import { type Inventory, takeInventory } from "./input/inventory.ts";
import { type InputDeps, type InputSource, type MigrationProblem, readMigrationInput } from "./input/read-input.ts";
import { type CommandLine, contradictingPlaces, type ProgramCommand } from "./predecessor/container-args.ts";
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
  /** Where the predecessor runs; undefined: wherever the input has it, as long as that is one installation. */
  readonly predecessorNamespace: string | undefined;
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
  const { from, roleBaseArn, kiamValuesFile, predecessorNamespace } = options;
  const read = await readMigrationInput(deps, options.input);
  if (!read.ok) return read;
  const { objects, omissions, hasNativeSidecars, installed } = read.value;
  const values = kiamValuesFile === undefined ? success(undefined) : await readValues(kiamValuesFile);
  if (!values.ok) return { ok: false, problems: [values.problem] };
  const own = objectsIn(objects, predecessorNamespace);
  const rivals =
    values.value === undefined ? PREDECESSOR_PROGRAMS[from].flatMap((each) => contradictingPlaces(own, each)) : [];
  if (rivals.length > 0) return { ok: false, problems: [unclearInstallation(from, rivals)] };
  const installationWith = (baseArn: string | undefined) =>
    from === "kiam" ? kiamInstallation(own, values.value, baseArn) : kube2iamInstallation(own, baseArn);
  const found = installationWith(roleBaseArn);
  const detected = detectsBaseArn(found)
    ? (installed.webhook?.settings?.roleBaseArn ?? onlyBaseArn(objects))
    : undefined;
  const installation = detected === undefined ? found : withRemark(installationWith(detected), detected);
  const current = hasOwnSettings(options.environment)
    ? undefined
    : installedSettings(installed, hasNativeSidecars, installation.baseArn);
  const target = current
    ? success(current)
    : podroleSettings(installation.conversion, options.environment, hasNativeSidecars);
  if (!target.ok) return { ok: false, problems: target.problems.map((text) => ({ text })) };
  const inventory = takeInventory(objects);
  const unresolved = unresolvedRole(inventory, installation);
  if (unresolved !== undefined) return { ok: false, problems: [unresolved] };
  const { predecessor, openMetadata } = installation;
  const report = makeReport({ inventory, predecessor, settings: target.value, openMetadata });
  const general = current ? [ofInstalled(installed), ...report.general] : report.general;
  return success({ report: { ...report, general, problems: [...omissions, ...report.problems] }, installation });
}

const PREDECESSOR_PROGRAMS: Readonly<Record<MigrateOptions["from"], readonly ProgramCommand[]>> = {
  kiam: ["kiam server", "kiam agent"],
  kube2iam: ["kube2iam"],
};

function objectsIn(objects: readonly KubernetesObject[], namespace: string | undefined): readonly KubernetesObject[] {
  return namespace === undefined ? objects : objects.filter((object) => namespaceOf(object) === namespace);
}

function unclearInstallation(from: MigrateOptions["from"], rivals: readonly CommandLine[]): MigrationProblem {
  const places = [...new Set(rivals.map(({ place }) => place))].join(" and ");
  return {
    option: "predecessorNamespace",
    text: `required: ${places} run ${from} with different flags; expected the namespace of the installation`,
  };
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
