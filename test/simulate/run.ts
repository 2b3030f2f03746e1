// Runs one scenario: starts the world, begins and ends its faults, and looks at the invariants as it goes. It ends at
// the first violation.

import { HOUR_MS } from "../../src/runtime/clock.ts";
import { duration } from "../../src/runtime/settings.ts";
import { FAULTS } from "./faults.ts";
import {
  checkAnswer,
  checkHour,
  checkWellness,
  MAX_RENEWALS,
  type Report,
  type Rule,
  type Violation,
} from "./invariants.ts";
import { RECOVERY_MS } from "./outages.ts";
import { createRandom } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { MIN_REQUESTED_SESSION_MS } from "./workloads.ts";
import { createSimulatedWorld, type SimulatedWorld } from "./world.ts";

/** What a run showed. */
export interface Outcome {
  readonly violation: Violation | undefined;
  readonly events: number;
  readonly answers: number;
  readonly served: number;
  readonly renewals: number;
  readonly stsCalls: number;
  readonly tokenReviews: number;
  /** Of virtual time, in milliseconds. */
  readonly ranMs: number;
}

const LASTING_MS = 300_000;

/** Runs the scenario. `onProgress` gets the virtual time and the pods that run, now and then. */
export async function runScenario(
  scenario: Scenario,
  onProgress: (ranMs: number, world: SimulatedWorld) => void = () => {},
): Promise<Outcome> {
  const realRandom = Math.random;
  const realImmediate = setImmediate;
  Math.random = createRandom(scenario.seed);
  const violations: Violation[] = [];
  const counts = { answers: 0, served: 0, renewals: 0 };
  const sessionMs = Math.min(
    duration.parse(scenario.flags["sessionDuration"] ?? "1h") ?? HOUR_MS,
    MIN_REQUESTED_SESSION_MS,
  );
  const world = createSimulatedWorld(scenario, {
    onAnswer(answer) {
      counts.answers += 1;
      if (answer.code === "OK") counts.served += 1;
      checkAnswer(world, answer, sessionMs, report);
    },
    onError(program, fields, message) {
      const { err, code } = fields as { readonly err?: unknown; readonly code?: string };
      const isInternal = code === "INTERNAL" || (err instanceof Error && err.name !== "PodroleError");
      if (isInternal)
        report("no error", `${program} logged "${message}": ${String((err as Error | undefined)?.stack ?? err)}`);
    },
  });
  const { timeline, outages, sts, api, network } = world;
  // What a program puts off to the next turn of Node's event loop comes before the next event of the simulation.
  const nextTurn = (task: () => void) => void timeline.after(0, task);
  globalThis.setImmediate = nextTurn as unknown as typeof setImmediate;

  function report(rule: Rule, text: string): void {
    violations.push({ at: timeline.now(), rule, text });
  }

  watchPace(world, report, () => {
    counts.renewals += 1;
  });
  for (const { kind, at, lastsMs, pick } of scenario.faults) {
    timeline.after(at, () => {
      const end = FAULTS[kind](world, pick);
      timeline.after(lastsMs, () => {
        end();
        timeline.after(RECOVERY_MS + 1_000, checkIfQuiet);
      });
    });
  }

  function checkIfQuiet(): void {
    if (outages.isCalm()) checkWellness(world, report);
  }

  let before = { sts: 0, tokenReviews: 0, server: 0 };
  function eachHour(): void {
    const now = { sts: sts.counts.calls, tokenReviews: api.counts.tokenReviews, server: network.counts.calls };
    const inHour = {
      sts: now.sts - before.sts,
      tokenReviews: now.tokenReviews - before.tokenReviews,
      server: now.server - before.server,
    };
    before = now;
    const isCalm = !outages.isAnyActive() && timeline.now() - outages.lastEnd() > 2 * HOUR_MS;
    void checkHour(world, inHour, isCalm && timeline.now() > 2 * HOUR_MS, report);
    checkIfQuiet();
    timeline.after(HOUR_MS, eachHour);
  }
  timeline.after(HOUR_MS, eachHour);

  try {
    await timeline.runUntil(scenario.endsAt, () => {
      onProgress(timeline.now(), world);
      if (violations.length > 0) throw new Stopped();
    });
  } catch (error) {
    if (!(error instanceof Stopped)) throw error;
  } finally {
    Math.random = realRandom;
    globalThis.setImmediate = realImmediate;
  }
  return {
    violation: violations[0],
    events: timeline.events(),
    ...counts,
    stsCalls: sts.counts.calls,
    tokenReviews: api.counts.tokenReviews,
    ranMs: timeline.now(),
  };
}

/** Ends a run early. */
class Stopped extends Error {}

/**
 * Reports a pod that renews too often once its renewals have failed for five minutes. Every renewal lists its directory
 * once, and the sidecar's own record says since when they fail.
 */
function watchPace({ inside, timeline, workloads }: SimulatedWorld, report: Report, onRenewal: () => void): void {
  const times = new Map<string, { readonly since: number; readonly ring: Float64Array; next: number }>();
  inside.volumes.onList = (directory) => {
    onRenewal();
    const now = timeline.now();
    const pace = inside.volumes.read(`${directory}/pace.json`);
    if (pace === undefined) return void times.delete(directory);
    const pod = times.get(directory) ?? { since: now, ring: new Float64Array(MAX_RENEWALS), next: 0 };
    times.set(directory, pod);
    const earliest = pod.ring[pod.next] ?? 0;
    // A clock that is set forward counts as time that has passed.
    const isStepped = workloads.nodes.some(({ steppedAt }) => steppedAt > earliest);
    if (earliest > pod.since + LASTING_MS && now - earliest < HOUR_MS && !isStepped) {
      const tookMs = now - earliest;
      report(
        "calls per hour",
        `${directory}: ${MAX_RENEWALS + 1} renewals within ${Math.round(tookMs / 1000)} s, ${pace}`,
      );
    }
    pod.ring[pod.next] = now;
    pod.next = (pod.next + 1) % MAX_RENEWALS;
  };
}
