// Steps that wait, in the order in which they run: callers take turns, and steps of callers that are known to be honest
// precede those of others. An entry lives from add() until next() takes it.

/** Steps of callers that wait. */
export interface CallerLanes {
  add(caller: string, step: () => void, options?: { readonly precedes?: boolean }): void;
  /** Takes the step that is next; undefined if none waits. */
  next(): (() => void) | undefined;
  isEmpty(): boolean;
}

/** Creates lanes without a step. */
export function createCallerLanes(): CallerLanes {
  /** A Map keeps the order of insertion: the first caller is the one whose last turn is longest ago. */
  const waiting = new Map<string, (() => void)[]>();
  const preceding = new Map<string, (() => void)[]>();
  return {
    add(caller, step, { precedes = false } = {}) {
      const lane = precedes ? preceding : waiting;
      const steps = lane.get(caller);
      if (steps === undefined) lane.set(caller, [step]);
      else steps.push(step);
    },
    next() {
      const lane = preceding.size > 0 ? preceding : waiting;
      const [first] = lane;
      if (first === undefined) return undefined;
      const [caller, steps] = first;
      const step = steps.shift();
      lane.delete(caller);
      if (steps.length > 0) lane.set(caller, steps);
      return step;
    },
    isEmpty: () => preceding.size === 0 && waiting.size === 0,
  };
}
