// Whose review is parsed and decided next. Both happen in one go, which for a large review takes a good part of a
// second, so each turn of the event loop has room for one: sockets are read in between, and small reviews overtake
// large ones.
// States of a review: waiting → running (take() resolves), or left (take() rejects). Ended by its turn or by its
// signal.

/** Reviews of at least this weight (reviewWeight() in bodies.ts) wait for small ones. Nearly all pods have less. */
export const MIN_LARGE_WEIGHT = 128 * 1024;
/** One of this many turns is for a large review even if small ones wait, so that they cannot keep it out. */
const TURNS_PER_LARGE_REVIEW = 8;

export interface Turns {
  /**
   * Resolves when it is the turn of a review of this weight. Callers that wait have turns one after the other. Rejects
   * with the signal's reason when that aborts first.
   */
  take(caller: string, weight: number, signal?: AbortSignal): Promise<void>;
}

type StartReview = () => void;

/** Creates the turns. `nextTurn` runs a task once sockets have been read. */
export function createTurns({ nextTurn }: { readonly nextTurn: (task: () => void) => void }): Turns {
  const [small, large] = [createQueue(), createQueue()] as const;
  let isRunning = false;
  let turn = 0;

  function runNext(): void {
    turn += 1;
    const [first, second] = turn % TURNS_PER_LARGE_REVIEW === 0 ? [large, small] : [small, large];
    const resolve = first.next() ?? second.next();
    isRunning = resolve !== undefined;
    if (resolve === undefined) return;
    nextTurn(runNext);
    resolve();
  }

  return {
    take: (caller, weight, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason as Error);
        const queue = weight < MIN_LARGE_WEIGHT ? small : large;
        const leave = () => {
          queue.remove(caller, start);
          reject(signal?.reason as Error);
        };
        const start = () => {
          signal?.removeEventListener("abort", leave);
          resolve();
        };
        signal?.addEventListener("abort", leave, { once: true });
        queue.add(caller, start);
        if (!isRunning) runNext();
      }),
  };
}

function createQueue() {
  /** A Map keeps the order of insertion: the first caller is the one whose last turn is longest ago. */
  const waiting = new Map<string, StartReview[]>();
  return {
    add(caller: string, resolve: StartReview): void {
      const own = waiting.get(caller);
      if (own) own.push(resolve);
      else waiting.set(caller, [resolve]);
    },
    remove(caller: string, resolve: StartReview): void {
      const others = waiting.get(caller)?.filter((other) => other !== resolve) ?? [];
      if (others.length > 0) waiting.set(caller, others);
      else waiting.delete(caller);
    },
    next(): StartReview | undefined {
      for (const [caller, own] of waiting) {
        const resolve = own.shift();
        waiting.delete(caller);
        if (own.length > 0) waiting.set(caller, own);
        return resolve;
      }
      return undefined;
    },
  };
}
