// Plans the move from podrole to IRSA or EKS Pod Identity. Roles are those that podrole decides today. Trust policies
// and commands are results: nothing is run.

import { baseArnOfAccount } from "../../../policy/role.ts";
import { type Checked, success } from "../../../runtime/result.ts";
import { takeInventory } from "../input/inventory.ts";
import { type InputDeps, type InputSource, type MigrationProblem, readMigrationInput } from "../input/read-input.ts";
import { contradictingPlaces, findBaseArn } from "../predecessor/container-args.ts";
import { podroleSettings, type SettingVariables } from "../settings/podrole-settings.ts";
import type { Destination } from "./destination.ts";
import { type Departure, divideInventory } from "./moves.ts";
import { type TrustPolicy, trustPolicies } from "./trust.ts";

/** Where pods move to, and which pods. */
export interface DepartureOptions {
  readonly destination: Destination;
  readonly input: InputSource;
  /** Prefix of short role names; replaces the one in the input. */
  readonly roleBaseArn: string | undefined;
  /** PODROLE_… variables override the settings in the input. */
  readonly environment: SettingVariables;
}

/** Which pods move with which role, and the trust policies that they need. */
export interface DeparturePlan {
  readonly destination: Destination;
  readonly departure: Departure;
  readonly trust: readonly TrustPolicy[];
  /** What could not be read, one sentence each. */
  readonly omissions: readonly string[];
}

/** Plans the move of every pod of the input. Throws ApiError if the cluster does not answer. */
export async function planDeparture(
  deps: InputDeps,
  options: DepartureOptions,
): Promise<Checked<DeparturePlan, MigrationProblem>> {
  const { destination } = options;
  const read = await readMigrationInput(deps, options.input);
  if (!read.ok) return read;
  const rivals = contradictingPlaces(read.value.objects, "podrole server");
  if (options.roleBaseArn === undefined && rivals.length > 0) {
    const places = rivals.map(({ place }) => place).join(" and ");
    const text = `required: ${places} run podrole server with different flags; expected the base ARN of the installation`;
    return { ok: false, problems: [{ option: "roleBaseArn", text }] };
  }
  const baseArn = options.roleBaseArn ?? findBaseArn(read.value.objects) ?? clusterBaseArn(destination);
  const converted = baseArn === undefined ? {} : { roleBaseArn: baseArn };
  const target = podroleSettings({ server: converted, webhook: converted }, options.environment, true);
  if (!target.ok) return { ok: false, problems: target.problems.map((text) => ({ text })) };
  const inventory = takeInventory(read.value.objects);
  const departure = divideInventory(inventory, target.value.policy, destination);
  const trust = trustPolicies(departure.moves, destination);
  return success({ destination, departure, trust, omissions: [...read.value.omissions, ...inventory.problems] });
}

/** Without a base ARN, short role names are taken as roles of the cluster's account. */
function clusterBaseArn({ account }: Destination): string | undefined {
  return account === undefined ? undefined : baseArnOfAccount(account);
}
