// Runs expensive steps one at a time, with rests between them, so that all of them together use at most a fixed share
// of one core however many wait. Callers take turns. A step is measured in CPU time: where the process gets only a part
// of a core, a step takes longer, and rests that grew with it would leave idle most of what the process gets.
// States of a step: waiting → run; or left, when its caller leaves.
import { createCallerLanes, type LeaveLane } from "./caller-lanes.ts";
import type { Clock } from "./clock.ts";

/** Rest after a step, as a multiple of its CPU time: all steps together use at most a quarter of one core. */
const REST_FACTOR = 3;

/** Steps that wait for their turn. */
export interface PacedSteps {
  /**
   * Runs the step in a later turn of the event loop, after those of other callers that wait. The caller calls the
   * returned function when it leaves.
   */
  add(caller: string, step: () => void, options?: { readonly precedes?: boolean }): LeaveLane;
}

/**
 * Creates an empty queue. `cpuMs` returns the CPU time of the thread that runs the steps, in milliseconds since some
 * point in the past; `nextTurn` runs a task once sockets have been read.
 */
export function createPacedSteps({
  clock,
  cpuMs,
  nextTurn,
}: {
  readonly clock: Pick<Clock, "schedule">;
  readonly cpuMs: () => number;
  readonly nextTurn: (task: () => void) => void;
}): PacedSteps {
  const lanes = createCallerLanes();
  let isRunning = false;

  function runNext(): void {
    const step = lanes.next();
    isRunning = step !== undefined;
    if (step === undefined) return;
    const from = cpuMs();
    step();
    clock.schedule(runNext, REST_FACTOR * (cpuMs() - from));
  }

  return {
    add(caller, step, options) {
      const leave = lanes.add(caller, step, options);
      if (!isRunning) nextTurn(runNext);
      isRunning = true;
      return leave;
    },
  };
}
