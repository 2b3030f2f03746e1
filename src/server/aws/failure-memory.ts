// Remembers why the last call for a session failed, so that the answer is repeated without another call to STS.
// States: none → remembered → over (its time has passed; the next call may be made) → remembered again, or none: after
// a success. An error that a retry may cure is remembered for the time that it names, otherwise for 1 s, and then for
// 2 s: sidecars themselves retry ever more rarely, and after an outage nothing else should delay them. A refusal
// (STS_DENIED, STS_INVALID) is remembered for 15 s, and twice as long each time STS repeats it, up to 2 minutes;
// another code begins again with 15 s. For a pod in new circumstances (a new or changed pod, or another setting of its
// namespace) STS is called at once, one time: the change may have cured what STS refused. There is no timer. A step of
// the wall clock or a suspension may end a time early and never prolongs it (due.ts).
import { ERRORS, PodroleError } from "../../protocol/errors.ts";
import { backoff, type Clock } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue, untilDueMs } from "../../runtime/due.ts";

export interface FailureMemory {
  /** Returns an error like the remembered one, without its cause; undefined if STS is to be called for the pod. */
  recall(circumstances: string): PodroleError | undefined;
  /** Remembers a failed call. `circumstances`: those of the pods to which the error was returned. */
  remember(error: PodroleError, circumstances: Iterable<string>): void;
  /** Forgets everything, after a success. */
  forget(): void;
  /** True while it holds an error to repeat, or the number of repetitions. */
  isInUse(): boolean;
}

const FIRST_REFUSAL_MS = 15_000;
const MAX_REFUSAL_MS = 120_000;
const FIRST_ERROR_MS = 1_000;
/** Shorter than the 2 to 3 s between the retries of a sidecar in the first minute of an outage. */
const MAX_ERROR_MS = 2_000;
/**
 * A refusal counts as a repetition if the previous one ended at most so long ago: longer than a restarting container
 * backs off (5 min).
 */
const REPETITIONS_KEPT_MS = 360_000;
/**
 * Once so many circumstances are remembered, all others are treated as remembered too, so that an entry stays small.
 */
const MAX_CIRCUMSTANCES = 1_000;

/**
 * The parts of the error that are repeated. Its cause would keep the SDK's whole exception in memory, with the response
 * and its socket, and a tenant chooses how many roles STS denies.
 */
interface RememberedFailure extends Pick<PodroleError, "code" | "message" | "retryAfterMs"> {
  readonly until: DueTime;
  /** Failures in a row. */
  readonly times: number;
}

/** Creates an empty memory for one session. */
export function createFailureMemory({ clock }: { readonly clock: Clock }): FailureMemory {
  let refused: (RememberedFailure & { readonly met: ReadonlySet<string> }) | undefined;
  /**
   * A failure that a retry may cure. It does not reset a remembered refusal, which STS is likely to repeat afterwards.
   */
  let failed: RememberedFailure | undefined;

  const isCurrent = ({ until }: RememberedFailure) => !isDue(clock, until);

  function since(error: PodroleError, times: number, waitMs: number): RememberedFailure {
    const { code, message, retryAfterMs } = error;
    return { code, message, retryAfterMs, times, until: dueAfter(clock, retryAfterMs ?? waitMs) };
  }

  function repeated({ code, message, retryAfterMs }: RememberedFailure): PodroleError {
    return new PodroleError(code, message, retryAfterMs === undefined ? {} : { retryAfterMs });
  }

  return {
    recall(circumstances) {
      const knows = refused && (refused.met.has(circumstances) || refused.met.size >= MAX_CIRCUMSTANCES);
      if (refused && knows && isCurrent(refused)) return repeated(refused);
      return failed && isCurrent(failed) ? repeated(failed) : undefined;
    },
    remember(error, circumstances) {
      if (ERRORS[error.code].retry) {
        const times = (failed?.times ?? 0) + 1;
        failed = since(error, times, backoff(times - 1, FIRST_ERROR_MS, MAX_ERROR_MS));
        return;
      }
      const same = refused?.code === error.code ? refused : undefined;
      const times = (same?.times ?? 0) + 1;
      const waitMs = Math.min(FIRST_REFUSAL_MS * 2 ** Math.min(times - 1, 10), MAX_REFUSAL_MS);
      refused = { ...since(error, times, waitMs), met: new Set([...(same?.met ?? []), ...circumstances]) };
      failed = undefined;
    },
    forget() {
      refused = undefined;
      failed = undefined;
    },
    isInUse() {
      return (
        (failed !== undefined && isCurrent(failed)) ||
        (refused !== undefined && untilDueMs(clock, refused.until) > -REPETITIONS_KEPT_MS)
      );
    },
  };
}
