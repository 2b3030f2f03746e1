// Orderly shutdown of a program. States: running → stopping (first signal: closers run in reverse order of
// registration, within a deadline) → stopped. A second signal ends the program at once. Only main.ts files connect it
// to the process.
import type { Clock } from "./clock.ts";
import type { Audit, Log } from "./log.ts";

/** Closes the parts of a program in reverse order. */
export interface Shutdown {
  /**
   * Registers something to close at shutdown; `close` is called at most once. What is registered after stopping began
   * is closed at once, because a start that was interrupted may still open something.
   */
  onClose(name: string, close: () => Promise<void> | void): void;
  /**
   * Closes everything; resolves when done or when the deadline has passed. Further calls return the same promise. It
   * never rejects: a closer that fails is logged.
   */
  stop(reason: string): Promise<void>;
  /** Aborts when stopping begins: every wait in the program observes it. */
  readonly signal: AbortSignal;
}

/** What the command line passes to every long-running program. */
export interface ProgramDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  /** Everything that the program opens is registered here. */
  readonly shutdown: Shutdown;
}

interface ClosingPart {
  readonly name: string;
  readonly close: () => Promise<void> | void;
}

/** Creates a shutdown that takes at most `deadlineMs`, however long the closers take. */
export function createShutdown(
  { clock, log }: { clock: Clock; log: Log },
  { deadlineMs }: { deadlineMs: number },
): Shutdown {
  const controller = new AbortController();
  const closers: ClosingPart[] = [];
  let stopping: Promise<void> | undefined;

  async function closeAll(reason: string): Promise<void> {
    log.info({ reason }, "stopping");
    controller.abort();
    for (const part of closers.toReversed()) await closePart(part);
  }

  async function closePart({ name, close }: ClosingPart): Promise<void> {
    try {
      await close();
    } catch (error) {
      log.warn({ err: error, part: name }, "could not close a part of the program");
    }
  }

  return {
    signal: controller.signal,
    onClose(name, close) {
      if (stopping === undefined) closers.push({ name, close });
      else void closePart({ name, close });
    },
    stop(reason) {
      stopping ??= new Promise((resolve) => {
        const cancel = clock.schedule(resolve, deadlineMs);
        void closeAll(reason).finally(() => {
          cancel();
          resolve();
        });
      });
      return stopping;
    },
  };
}
