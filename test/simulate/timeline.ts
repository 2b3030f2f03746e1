// Virtual time: one queue of events for everything that is simulated, in the order of their times, and a clock for each
// program. Between two events every promise settles, as in Node's event loop.
// States of a program: running ⇄ paused (what becomes due meanwhile runs at its resumption) → killed (its timers and
// whatever it still waits for never run).
import { setFlagsFromString } from "node:v8";
import { runInThisContext } from "node:vm";
import type { Clock } from "../../src/runtime/clock.ts";

/** One event of the queue; without a task it was cancelled. */
interface Event {
  at: number;
  readonly order: number;
  task: (() => void) | undefined;
}

/** Virtual time. */
export interface Timeline {
  /** Milliseconds since the beginning. */
  now(): number;
  /** Runs `task` after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void;
  /**
   * The same at the next time that many events share, up to 5 % of the delay or 10 ms later: what happens to many pods
   * happens to one after the other, while its code and data are in the processor's caches.
   */
  afterAbout(delayMs: number, task: () => void): () => void;
  /** Runs all events up to `end`; rejects with what one of them throws. `onTurn` is called now and then. */
  runUntil(end: number, onTurn?: () => void): Promise<void>;
  /** Number of events so far. */
  events(): number;
}

/** Programs get one that is an event of the queue (run.ts). */
const realImmediate = setImmediate;

/** Events between two turns of Node's own event loop, which collects garbage and handles signals. */
const EVENTS_PER_TURN = 5_000;

/** Shared times are multiples of the longest of these that is at most a twentieth of the delay, or of the first. */
const RESOLUTIONS_MS = [10, 100, 1_000, 10_000, 60_000, 600_000] as const;

function resolutionOf(delayMs: number): number {
  return RESOLUTIONS_MS.findLast((resolution) => resolution * 20 <= delayMs) ?? RESOLUTIONS_MS[0];
}

/** Creates the queue at time 0. Only one may run at a time. `isExact`: events share no times. */
export function createTimeline({ isExact = false }: { readonly isExact?: boolean } = {}): Timeline {
  const settle = microtaskCheckpoint();
  const heap: Event[] = [];
  let now = 0;
  let order = 0;
  let events = 0;

  function isBefore(a: Event, b: Event): boolean {
    return a.at < b.at || (a.at === b.at && a.order < b.order);
  }

  function push(event: Event): void {
    let index = heap.length;
    heap.push(event);
    while (index > 0) {
      const above = (index - 1) >> 1;
      const parent = heap[above] as Event;
      if (!isBefore(event, parent)) break;
      heap[index] = parent;
      index = above;
    }
    heap[index] = event;
  }

  function pop(): Event {
    const top = heap[0] as Event;
    const last = heap.pop() as Event;
    const size = heap.length;
    if (size === 0) return top;
    let index = 0;
    for (;;) {
      let below = 2 * index + 1;
      if (below >= size) break;
      if (below + 1 < size && isBefore(heap[below + 1] as Event, heap[below] as Event)) below += 1;
      const child = heap[below] as Event;
      if (!isBefore(child, last)) break;
      heap[index] = child;
      index = below;
    }
    heap[index] = last;
    return top;
  }

  function add(at: number, task: () => void): () => void {
    order += 1;
    const event: Event = { at, order, task };
    push(event);
    return () => {
      event.task = undefined;
    };
  }

  /** Runs some events; true if there are more before `end`. */
  function runSome(end: number): boolean {
    for (let count = 0; count < EVENTS_PER_TURN; count++) {
      if (heap.length === 0 || (heap[0] as Event).at > end) return false;
      const { at, task } = pop();
      if (task === undefined) continue;
      now = at;
      events += 1;
      task();
      settle();
    }
    return true;
  }

  return {
    now: () => now,
    events: () => events,
    // Whole milliseconds, so that sums of times have no rounding errors.
    after: (delayMs, task) => add(now + Math.max(0, Math.ceil(delayMs)), task),
    afterAbout(delayMs, task) {
      const at = now + Math.max(0, Math.ceil(delayMs));
      if (isExact || delayMs <= 0) return add(at, task);
      const resolution = resolutionOf(delayMs);
      return add(Math.ceil(at / resolution) * resolution, task);
    },
    runUntil(end, onTurn) {
      return new Promise((resolve, reject) => {
        // In a turn of its own, because promises settle only where no other one is settling.
        function turn(): void {
          try {
            const hasMore = runSome(end);
            onTurn?.();
            if (hasMore) return void realImmediate(turn);
          } catch (error) {
            return reject(error);
          }
          now = Math.max(now, end);
          resolve();
        }
        realImmediate(turn);
      });
    },
  };
}

/** Returns a function that settles promises at once, which Node otherwise does only between its own events. */
function microtaskCheckpoint(): () => void {
  setFlagsFromString("--allow-natives-syntax");
  return runInThisContext("(function settle() { %PerformMicrotaskCheckpoint(); })") as () => void;
}

/** The clock of a program, which knows when it is set and when its program is suspended. */
export interface ProgramClock extends Clock {
  /**
   * As scheduleCheck() of src/runtime/next-check.ts, without the checks that would find nothing: `check` runs after the
   * delay, or at the next whole interval once the wall clock was set or the program was suspended.
   */
  scheduleCheck(check: () => void, delayMs: number, intervalMs: number): () => void;
}

/** A program with a clock of its own. */
export interface Program {
  readonly name: string;
  readonly clock: ProgramClock;
  isAlive(): boolean;
  isPaused(): boolean;
  /** Something outside happens to the program after `delayMs`, such as an answer; it notices when it runs. */
  post(delayMs: number, task: () => void): void;
  pause(): void;
  /** `isMachine`: the machine was suspended, so that its elapsed time halted as well. */
  resume(isMachine: boolean): void;
  /** Sets its wall clock forward, or back by a negative number. */
  step(ms: number): void;
  /** Milliseconds by which its wall clock is ahead. */
  offset(): number;
  kill(): void;
  /** Calls `listener` when it is killed; the returned function unsubscribes. */
  onKill(listener: () => void): () => void;
  /** Number of its timers that are set. */
  timers(): number;
}

/** A check that waits: since when, in elapsed time, and at which interval it would otherwise run. */
interface PendingCheck {
  readonly since: number;
  readonly intervalMs: number;
  readonly run: () => void;
  cancel: () => void;
}

/** Wall clock of the beginning: some date, Unix milliseconds. */
export const BEGINNING = Date.parse("2026-01-01T00:00:00Z");

/** Creates a running program. */
export function createProgram(timeline: Timeline, name: string, offsetMs = 0): Program {
  let offset = offsetMs;
  let haltedMs = 0;
  let pausedAt: number | undefined;
  let alive = true;
  let timers = 0;
  let waiting: (() => void)[] = [];
  const killed = new Set<() => void>();
  const checks = new Set<PendingCheck>();
  const startedAt = timeline.now();

  const elapsedMs = () => timeline.now() - startedAt - haltedMs;

  function run(task: () => void): void {
    if (!alive) return;
    if (pausedAt === undefined) task();
    else waiting.push(() => run(task));
  }

  function schedule(task: () => void, delayMs: number): () => void {
    // Whole milliseconds, at least one, as with Node's timers.
    const dueMs = elapsedMs() + Math.max(1, Math.trunc(delayMs));
    let isSet = true;
    timers += 1;
    const onTime = () => run(fire);
    function fire(): void {
      if (!isSet) return;
      const restMs = dueMs - elapsedMs();
      if (restMs > 0) {
        cancel = timeline.afterAbout(restMs, onTime);
        return;
      }
      isSet = false;
      timers -= 1;
      task();
    }
    let cancel = timeline.afterAbout(dueMs - elapsedMs(), onTime);
    return () => {
      if (!isSet) return;
      isSet = false;
      timers -= 1;
      cancel();
    };
  }

  function scheduleCheck(task: () => void, delayMs: number, intervalMs: number): () => void {
    const check: PendingCheck = {
      since: elapsedMs(),
      intervalMs,
      cancel: () => {},
      run() {
        checks.delete(check);
        check.cancel();
        task();
      },
    };
    check.cancel = schedule(check.run, delayMs);
    checks.add(check);
    return () => {
      if (checks.delete(check)) check.cancel();
    };
  }

  /** Lets each pending check run at its first whole interval after `at`, in elapsed time. */
  function wakeChecks(at: number): void {
    for (const check of checks) {
      const passed = Math.floor((at - check.since) / check.intervalMs);
      const next = check.since + (passed + 1) * check.intervalMs;
      const cancelLater = check.cancel;
      const cancelNext = schedule(check.run, next - elapsedMs());
      check.cancel = () => {
        cancelLater();
        cancelNext();
      };
    }
  }

  return {
    name,
    clock: { now: () => BEGINNING + timeline.now() + offset, elapsedMs, schedule, scheduleCheck },
    isAlive: () => alive,
    isPaused: () => pausedAt !== undefined,
    post(delayMs, task) {
      timeline.afterAbout(delayMs, () => run(task));
    },
    pause() {
      pausedAt ??= timeline.now();
    },
    resume(isMachine) {
      if (pausedAt === undefined) return;
      const haltedFor = timeline.now() - pausedAt;
      const elapsedAtPause = elapsedMs() - haltedFor;
      if (isMachine) haltedMs += haltedFor;
      pausedAt = undefined;
      const missed = waiting;
      waiting = [];
      for (const task of missed) timeline.after(0, task);
      wakeChecks(elapsedAtPause);
    },
    step(ms) {
      offset += ms;
      wakeChecks(elapsedMs());
    },
    offset: () => offset,
    kill() {
      if (!alive) return;
      alive = false;
      waiting = [];
      for (const listener of killed) listener();
      killed.clear();
    },
    onKill(listener) {
      killed.add(listener);
      return () => void killed.delete(listener);
    },
    timers: () => timers,
  };
}
