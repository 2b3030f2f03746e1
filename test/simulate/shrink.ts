// Finds the smallest list of faults that still breaks a rule. First the faults after the violation go, then those long
// before it; fast-check shrinks the rest. Each attempt is a run, so there is a limit of time.
import * as fc from "fast-check";
import type { Fault } from "./faults.ts";
import type { Violation } from "./invariants.ts";
import { runScenario } from "./run.ts";
import { faultsUntil, type Scenario } from "./scenario.ts";

/** A scenario that breaks a rule. */
export interface Shrunk {
  readonly scenario: Scenario;
  readonly violation: Violation;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const LIMIT_MS = 10 * MINUTE_MS;
/** Pods are created in the first minutes. */
const WARM_UP_MS = 30 * MINUTE_MS;
const WINDOWS_MS = [3 * HOUR_MS, 12 * HOUR_MS, 48 * HOUR_MS] as const;

/** Resolves with the smallest scenario that was found; at worst the given one up to its violation. */
export async function shrink(
  scenario: Scenario,
  violation: Violation,
  onProgress: (text: string) => void,
): Promise<Shrunk> {
  const endsAt = violation.at + MINUTE_MS;
  let best: Shrunk = {
    scenario: { ...scenario, endsAt, faults: inOrder(scenario.faults.filter(({ at }) => at <= violation.at)) },
    violation,
  };
  const deadline = performance.now() + LIMIT_MS;

  /** Runs a candidate; true if it breaks the same rule, and then it is the best one. */
  async function breaks(candidate: Scenario): Promise<boolean> {
    const { violation: found } = await runScenario(candidate);
    if (found?.rule !== violation.rule) return false;
    const faults = candidate.faults.filter(({ at }) => at <= found.at);
    best = { scenario: { ...candidate, endsAt: found.at + MINUTE_MS, faults }, violation: found };
    onProgress(`${faults.length} faults break it`);
    return true;
  }

  for (const windowMs of WINDOWS_MS) {
    const shiftMs = violation.at - windowMs - WARM_UP_MS;
    if (shiftMs <= 0) continue;
    const faults = best.scenario.faults
      .filter(({ at }) => at > violation.at - windowMs)
      .map(({ kind, at, lastsMs, pick }) => ({ kind, at: at - shiftMs, lastsMs, pick }));
    if (await breaks({ ...scenario, endsAt: endsAt - shiftMs + HOUR_MS, faults })) break;
  }

  const property = fc.asyncProperty(
    fc.array(faultsUntil(best.scenario.endsAt + HOUR_MS), { maxLength: best.scenario.faults.length }),
    async (faults: readonly Fault[]) => {
      if (performance.now() > deadline) return true;
      return !(await breaks({ ...best.scenario, faults: inOrder(faults) }));
    },
  );
  await fc.check(property, {
    examples: [[[...best.scenario.faults]]],
    numRuns: 1,
    interruptAfterTimeLimit: LIMIT_MS,
  });
  return best;
}

function inOrder(faults: readonly Fault[]): Fault[] {
  return faults.toSorted((a, b) => a.at - b.at);
}
