// Steps that wait, in the order in which they run: callers take turns, and steps of callers that are known to be honest
// precede those of others. An entry lives from add() until next() takes it, or until its caller leaves: a stranger that
// connects anew all the time would otherwise fill the memory with what its former connections have sent.

/** Takes a step out of the lanes, if it still waits there. */
export type LeaveLane = () => void;

/** Steps of callers that wait. */
export interface CallerLanes {
  add(caller: string, step: () => void, options?: { readonly precedes?: boolean }): LeaveLane;
  /** Takes the step that is next; undefined if none waits. */
  next(): (() => void) | undefined;
  isEmpty(): boolean;
}

/** One step; several may have the same function. */
interface WaitingStep {
  readonly run: () => void;
}

/** Creates lanes without a step. */
export function createCallerLanes(): CallerLanes {
  /** A Map keeps the order of insertion: the first caller is the one whose last turn is longest ago. */
  const waiting = new Map<string, Set<WaitingStep>>();
  const preceding = new Map<string, Set<WaitingStep>>();

  function remove(lane: Map<string, Set<WaitingStep>>, caller: string, step: WaitingStep): void {
    const steps = lane.get(caller);
    if (steps?.delete(step) && steps.size === 0) lane.delete(caller);
  }

  return {
    add(caller, run, { precedes = false } = {}) {
      const lane = precedes ? preceding : waiting;
      const step = { run };
      const steps = lane.get(caller);
      if (steps === undefined) lane.set(caller, new Set([step]));
      else steps.add(step);
      return () => remove(lane, caller, step);
    },
    next() {
      const lane = preceding.size > 0 ? preceding : waiting;
      const [first] = lane;
      if (first === undefined) return undefined;
      const [caller, steps] = first;
      const [step] = steps;
      lane.delete(caller);
      if (step === undefined) return undefined;
      steps.delete(step);
      if (steps.size > 0) lane.set(caller, steps);
      return step.run;
    },
    isEmpty: () => preceding.size === 0 && waiting.size === 0,
  };
}
