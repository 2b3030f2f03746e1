// Generates the table of deliberate breaks in docs/simulation.md from the results that `npm run test:mutations --
// --publish` recorded.
import { type MutationResult, mutationResults } from "../test/mutations/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns how many breaks were found, and when, as one sentence. */
export function mutationRun(): string {
  const found = mutationResults.find();
  if (found === undefined) return "No run has been published yet.";
  const { date, commit, rows } = found;
  return `${rows.filter(isFound).length} of ${rows.length} breaks found. Measured on ${date}, commit ${commit}.`;
}

/** Returns one row per break. */
export function mutationTable(): string {
  const rows = (mutationResults.find()?.rows ?? []).map((row) => [
    row.breaks,
    `\`${row.file}\``,
    isFound(row) ? row.foundBy.map((suite) => `\`${suite}\``).join(", ") : "nothing",
  ]);
  return markdownTable(["what the broken program does wrong", "in", "found by"], rows);
}

function isFound({ foundBy }: MutationResult): boolean {
  return foundBy.length > 0;
}
