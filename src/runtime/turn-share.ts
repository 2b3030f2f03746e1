// Bounds the CPU time that steps of unproven callers use in one turn of the event loop, so that what else is ready to
// be read waits at most that long, plus one step. They may use as many turns as they need: it limits how long others
// wait, not what the steps cost in all (unproven-costs.ts does).
// States of a step: run at once, while the turn has time left and no step waits; or waiting → run in a later turn, when
// callers take turns; or left, when its caller leaves.
import { createCallerLanes, type LeaveLane } from "./caller-lanes.ts";

/** The share of each turn. */
export interface TurnShare {
  /** Reports whether a step may run in this turn, by run(). Otherwise it has to wait, by add(). */
  hasTime(): boolean;
  /** Runs the step, and returns its CPU time in milliseconds. */
  run(step: () => void): number;
  /** Runs the step in a later turn. The caller calls the returned function when it leaves. */
  add(caller: string, step: () => void, options?: { readonly precedes?: boolean }): LeaveLane;
}

/**
 * Creates the share of a turn that has begun. `cpuMs` returns the CPU time of the thread that runs the steps, in
 * milliseconds since some point in the past; `nextTurn` runs a task once sockets have been read. A turn's steps begin
 * only while they have used less than `mostMs` together.
 */
export function createTurnShare(
  { cpuMs, nextTurn }: { readonly cpuMs: () => number; readonly nextTurn: (task: () => void) => void },
  { mostMs }: { readonly mostMs: number },
): TurnShare {
  const lanes = createCallerLanes();
  let usedMs = 0;
  let isScheduled = false;

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    nextTurn(runWaiting);
  }

  function run(step: () => void): number {
    const from = cpuMs();
    step();
    const stepMs = cpuMs() - from;
    usedMs += stepMs;
    schedule();
    return stepMs;
  }

  function runWaiting(): void {
    isScheduled = false;
    usedMs = 0;
    while (usedMs < mostMs) {
      const step = lanes.next();
      if (step === undefined) return;
      run(step);
    }
    if (!lanes.isEmpty()) schedule();
  }

  return {
    hasTime: () => lanes.isEmpty() && usedMs < mostMs,
    run,
    add(caller, step, options) {
      const leave = lanes.add(caller, step, options);
      schedule();
      return leave;
    },
  };
}
