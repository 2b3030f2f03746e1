// Generates the table of docs/simulation.md from the results that `npm run simulate -- --publish` recorded.
import { groupedNumber } from "../test/grouped-number.ts";
import { type PublishedRun, simulationResults } from "../test/simulate/results.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns the sums of all runs, as one sentence. */
export function simulationSummary(): string {
  const { runs } = simulationResults.read();
  if (runs.length === 0) return "No run has been published yet.";
  const broken = runs.filter(({ violation }) => violation !== undefined).length;
  const podDays = runs.reduce((sum, { days, pods }) => sum + days * pods, 0);
  const sum = (key: "renewals" | "requests" | "faults") => runs.reduce((total, run) => total + run[key], 0);
  return `${runs.length} runs with ${groupedNumber(Math.round(podDays))} days of pods, ${groupedNumber(sum("faults"))} faults, ${groupedNumber(sum("renewals"))} renewals and ${groupedNumber(sum("requests"))} requests of apps: ${broken} broke a rule.`;
}

/** Returns one row per run. */
export function simulationTable(): string {
  const head = [
    "seed",
    "days × pods",
    "servers",
    "lifetimes",
    "faults",
    "renewals",
    "requests",
    "CPU time",
    "measured",
    "rules",
  ];
  return markdownTable(head, simulationResults.read().runs.map(toRow));
}

function toRow(run: PublishedRun): readonly string[] {
  const { certificateTtl, sessionDuration, caTtl } = run.flags;
  return [
    run.hasRealCryptography ? `${run.seed}, real cryptography` : String(run.seed),
    `${run.days} × ${run.pods}`,
    String(run.servers),
    `certificates ${certificateTtl}, sessions ${sessionDuration}, CA ${caTtl}`,
    groupedNumber(run.faults),
    groupedNumber(run.renewals),
    `${groupedNumber(run.requests)}, ${((1 - run.served / run.requests) * 100).toFixed(2)} % during outages without credentials`,
    `${Math.floor(run.cpuSeconds / 60)} min ${run.cpuSeconds % 60} s`,
    `${run.date}, ${run.commit}`,
    run.violation ?? "all held",
  ];
}
