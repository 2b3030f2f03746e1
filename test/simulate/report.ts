// Runs a scenario for an operator at a terminal: progress on standard error, figures on standard output, and for a
// broken rule the smallest list of faults that breaks it, with the command that repeats it.

import { spawnSync } from "node:child_process";
import { DAY_MS } from "../../src/runtime/clock.ts";
import { formatTime, type Violation } from "./invariants.ts";
import type { SimulationResult } from "./results.ts";
import { type Outcome, runScenario } from "./run.ts";
import type { Scenario } from "./scenario.ts";
import { shrink } from "./shrink.ts";

const PROGRESS_EACH_MS = 10_000;
const MIB = 2 ** 20;

/** What a run showed. `shrunk`: the smallest scenario that breaks the rule; undefined if every rule held. */
export interface RunReport {
  readonly result: SimulationResult;
  readonly shrunk: Scenario | undefined;
}

/** Runs the scenario and reports it. */
export async function runAndReport(
  scenario: Scenario,
  { hasRealCryptography }: { readonly hasRealCryptography: boolean },
): Promise<RunReport> {
  const from = performance.now();
  const cpuBefore = process.cpuUsage();
  let shownAt = from;
  const outcome = await runScenario(scenario, (ranMs, { timeline, workloads }) => {
    if (performance.now() - shownAt < PROGRESS_EACH_MS) return;
    shownAt = performance.now();
    const heap = Math.round(process.memoryUsage().heapUsed / MIB);
    const cpuSeconds = Math.round(cpuMsSince(cpuBefore) / 1000);
    console.error(
      `  ${formatTime(ranMs)}: ${workloads.pods.size} pods, ${timeline.events()} events, ${cpuSeconds} s of CPU time, ${heap} MiB`,
    );
  });
  const cpuMs = cpuMsSince(cpuBefore);
  console.log(figures(scenario, outcome, { cpuMs, tookMs: performance.now() - from }));
  const { violation } = outcome;
  const result = resultOf(scenario, outcome, { hasRealCryptography, cpuSeconds: Math.round(cpuMs / 1000) });
  if (violation === undefined) return { result, shrunk: undefined };
  console.log(`  BROKEN ${describe(violation)}`);
  console.error("  shrinking the list of faults ...");
  const shrunk = await shrink(scenario, violation, (text) => console.error(`  ${text}`));
  const flag = hasRealCryptography ? " --real-cryptography" : "";
  console.log(`  smallest scenario: ${describe(shrunk.violation)}`);
  for (const { kind, at, lastsMs, pick } of shrunk.scenario.faults)
    console.log(`    ${formatTime(at)}: ${kind} for ${Math.round(lastsMs / 1000)} s (pick ${pick})`);
  console.log(
    `  again: npm run simulate -- --days ${scenario.endsAt / DAY_MS} --pods ${scenario.pods} --seed ${scenario.seed}${flag}`,
  );
  return { result, shrunk: shrunk.scenario };
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function resultOf(
  { seed, pods, servers, shortLived, flags, faults }: Scenario,
  { ranMs, renewals, answers, served, violation }: Outcome,
  measured: Pick<SimulationResult, "hasRealCryptography" | "cpuSeconds">,
): SimulationResult {
  return {
    seed,
    days: Math.round((ranMs / DAY_MS) * 10) / 10,
    pods,
    servers,
    shortLived,
    flags,
    faults: faults.length,
    renewals,
    requests: answers,
    served,
    ...measured,
    ...(violation && { violation: describe(violation) }),
  };
}

function describe({ at, rule, text }: Violation): string {
  return `${rule}: ${text} (${formatTime(at)})`;
}

function figures(
  { seed, pods, faults }: Scenario,
  { ranMs, events, answers, served, renewals, stsCalls, tokenReviews, violation }: Outcome,
  { cpuMs, tookMs }: { readonly cpuMs: number; readonly tookMs: number },
): string {
  const seconds = `${Math.round(cpuMs / 1000)} s of CPU time, ${Math.round(tookMs / 1000)} s`;
  return (
    `seed ${seed}: ${violation ? "FAILED" : "passed"}, ${(ranMs / DAY_MS).toFixed(1)} days, ${pods} pods, ${faults.length} faults, ` +
    `${events} events, ${served} of ${answers} requests served, ${renewals} renewals, ${stsCalls} calls to STS, ` +
    `${tokenReviews} TokenReviews; ${seconds}`
  );
}

const SHORT = [
  ["--days", "2", "--pods", "30", "--seeds", "3"],
  ["--days", "0.25", "--pods", "20", "--real-cryptography"],
] as const;

/** Runs the command of this file as CI does; stand-ins cannot be changed within a process. Returns the exit code. */
export async function repeatedRuns(main: string): Promise<number> {
  const codes = SHORT.map((args) => {
    const { status } = spawnSync(process.execPath, ["--no-warnings", main, ...args], { stdio: "inherit" });
    return status ?? 1;
  });
  return Math.max(...codes);
}
