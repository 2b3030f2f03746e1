// Generates what docs/attack.md says about the run that `npm run fuzz -- --publish` recorded.
import { type FuzzResult, fuzzResults } from "../test/fuzz/results.ts";
import { groupedNumber } from "../test/grouped-number.ts";
import { markdownTable } from "./markdown-table.ts";

const inputsOf = (rows: readonly FuzzResult[]) => rows.reduce((sum, { inputs }) => sum + inputs, 0);

/** Returns what was run, and the outcome, in two sentences. */
export function fuzzRun(): string {
  const results = fuzzResults.find();
  if (results === undefined) return "No run is published yet.";
  const { date, commit, seed, minutes, plantedSecrets, failures, rows } = results;
  const sockets = inputsOf(rows.filter(({ through }) => through === "socket"));
  const outcome = failures === 0 ? "None broke a rule" : `${failures} broke a rule`;
  return (
    `${outcome}: ${groupedNumber(inputsOf(rows))} inputs, ${groupedNumber(sockets)} of them over sockets, with ${plantedSecrets} planted secrets, ` +
    `on ${date}, commit ${commit}, seed ${seed}, in ${minutes} minutes.`
  );
}

/** Returns one row per target, or a sentence if no run is published yet: Markdown lint refuses an empty block. */
export function fuzzTable(): string {
  const rows = fuzzResults.find()?.rows.map(({ target, through, inputs }) => [target, groupedNumber(inputs), through]);
  return rows === undefined
    ? "A published run lists its inputs by target here."
    : markdownTable(["target", "inputs", "through"], rows);
}
