// Runs expensive steps one at a time, with rests between them, so that all of them together use a fixed share of the
// event loop's time however many wait. Callers take turns.
// States of a step: waiting → run. A step whose caller has left runs too, and returns at once.
import type { Clock } from "./clock.ts";

/** Rest after a step, as a multiple of what the step took: all steps together use a quarter of the time. */
const REST_FACTOR = 3;

/** Steps that wait for their turn. */
export interface PacedSteps {
  /** Runs the step in a later turn of the event loop, after those of other callers that wait. */
  add(caller: string, step: () => void): void;
}

/** Creates an empty queue. `nextTurn` runs a task once sockets have been read. */
export function createPacedSteps({
  clock,
  nextTurn,
}: {
  readonly clock: Clock;
  readonly nextTurn: (task: () => void) => void;
}): PacedSteps {
  /** A Map keeps the order of insertion: the first caller is the one whose last turn is longest ago. */
  const waiting = new Map<string, (() => void)[]>();
  let isRunning = false;

  function runNext(): void {
    const [first] = waiting;
    isRunning = first !== undefined;
    if (first === undefined) return;
    const [caller, [step, ...others]] = first;
    waiting.delete(caller);
    if (others.length > 0) waiting.set(caller, others);
    const from = clock.elapsedMs();
    step?.();
    clock.schedule(runNext, REST_FACTOR * (clock.elapsedMs() - from));
  }

  return {
    add(caller, step) {
      waiting.set(caller, [...(waiting.get(caller) ?? []), step]);
      if (isRunning) return;
      isRunning = true;
      nextTurn(runNext);
    },
  };
}
