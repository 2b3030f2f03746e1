// podrole migrate irsa and podrole migrate pod-identity. Exit codes: 0 every pod with a role can move, 1 some cannot, 2
// usage, or the input cannot be read.
import { planDeparture } from "../../operations/migrate/departure/departure.ts";
import type { Destination } from "../../operations/migrate/departure/destination.ts";
import { readDeparture } from "../arguments/departure.ts";
import { withMigrationInput } from "../migration-input.ts";
import { departureData, departureText } from "../output/departure.ts";
import { formatData, migrationProblemText } from "../output/migrate.ts";
import { type Flags, type Terminal, writeNote, writeProblems } from "../terminal.ts";

/** Runs podrole migrate irsa or podrole migrate pod-identity, as `topic` says. */
export async function runDeparture(terminal: Terminal, flags: Flags, topic: Destination["to"]): Promise<number> {
  const read = readDeparture(flags, topic);
  if (!read.ok) return writeProblems(terminal, `migrate ${topic}`, read.problems);
  const { destination, roleBaseArn, output } = read.value;
  return withMigrationInput(terminal, topic, read.value.input, async (deps, input) => {
    const result = await planDeparture(deps, { destination, input, roleBaseArn, environment: terminal.env });
    if (!result.ok) return writeProblems(terminal, `migrate ${topic}`, result.problems.map(migrationProblemText));
    const plan = result.value;
    for (const omission of plan.omissions) writeNote(terminal, `migrate ${topic}`, omission);
    terminal.out(output === "text" ? departureText(plan) : formatData(departureData(plan), output));
    return plan.departure.stays.length === 0 ? 0 : 1;
  });
}
