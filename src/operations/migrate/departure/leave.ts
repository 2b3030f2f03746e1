// podrole migrate irsa|pod-identity: the way out, for those whom AWS's own ways serve as well. Roles are what podrole
// decides today; it prints trust policies and commands, and runs none of them.
// Exit codes: 0 every pod with a role can go, 1 some cannot, 2 the command line or the input cannot be used.
import { stringify } from "yaml";
import { oneOf } from "../../../runtime/settings.ts";
import type { Terminal } from "../../../cli/terminal.ts";
import { findSystem } from "../find-system.ts";
import { readInput } from "../input.ts";
import { takeInventory } from "../inventory.ts";
import { targetSettings } from "../target.ts";
import { roleCommand } from "./commands.ts";
import { type Departure, planDeparture } from "./departure.ts";
import { type Destination, readDestination } from "./destination.ts";
import { renderDeparture } from "./text.ts";
import { type TrustPolicy, trustPolicies } from "./trust.ts";

const OUTPUTS = oneOf(["text", "json", "yaml"]);

export async function leave(
  terminal: Terminal,
  flags: Readonly<Record<string, string>>,
  to: Destination["to"],
): Promise<number> {
  const fail = (problems: readonly string[]) => {
    for (const problem of problems) terminal.err(`podrole migrate: ${problem}\n`);
    return 2;
  };
  const destination = readDestination(to, flags);
  const output = OUTPUTS.parse(flags["output"] ?? "text");
  const wrong = output === undefined ? [`--output: "${flags["output"]}" is not ${OUTPUTS.expects}`] : [];
  if ("problems" in destination || output === undefined) {
    return fail([...("problems" in destination ? destination.problems : []), ...wrong]);
  }
  const read = await readInput(terminal, flags, `migrate ${to}`);
  if (!read.ok) return fail(read.problems);
  const baseArn = flags["roleBaseArn"] ?? findSystem(read.objects)?.baseArn ?? baseOf(destination);
  const converted = baseArn === undefined ? {} : { roleBaseArn: baseArn };
  const target = targetSettings({ server: converted, webhook: converted }, terminal.env, true);
  if (!target.ok) return fail(target.problems);

  const inventory = takeInventory(read.objects);
  for (const problem of [...read.omissions, ...inventory.problems]) terminal.err(`podrole migrate: ${problem}\n`);
  const departure = planDeparture(inventory, target.settings.policy, destination);
  const trust = trustPolicies(departure.moves, destination);
  terminal.out(render(departure, trust, destination, output));
  return departure.stays.length === 0 ? 0 : 1;
}

/** Roles are the cluster's account's unless something else is said. */
function baseOf({ account }: Destination): string | undefined {
  return account === undefined ? undefined : `arn:aws:iam::${account}:role/`;
}

function render(
  departure: Departure,
  trust: readonly TrustPolicy[],
  destination: Destination,
  output: "text" | "json" | "yaml",
): string {
  if (output === "text") return renderDeparture(departure, trust, destination);
  const moves = departure.moves.map((move) => Object.assign({ command: roleCommand(move, destination) }, move));
  const plan = { destination, ...departure, moves, trustPolicies: trust };
  return output === "json"
    ? `${JSON.stringify(plan, null, 2)}\n`
    : stringify(plan, { lineWidth: 0, aliasDuplicateObjects: false });
}
