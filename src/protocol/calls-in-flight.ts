// Bounds the calls that one port works on: while STS or the API server is slow, many calls wait for it. A call that is
// refused gets SERVER_OVERLOADED with a time to retry; its TLS handshake is done, so the answer costs little.
// States of a call: in flight, for one caller or later for another → ended (the work on it is over), or refused (by its
// own begin(), or by that of a caller with fewer calls).
import { jitter } from "../runtime/clock.ts";
import { PodroleError } from "./errors.ts";

/** The calls in flight of one port. */
export interface CallsInFlight {
  /**
   * Registers a call. If there are too many, the newest one of the caller with most is refused, which may be this one.
   * `refuse` answers it, and is called at most once.
   */
  begin(caller: string, refuse: (error: PodroleError) => void): CallInFlight;
}

/** A registered call. */
export interface CallInFlight {
  /** Counts the call for another caller from now on. Has no effect on a call that has ended or was refused. */
  countFor(caller: string): void;
  end(): void;
}

interface HeldCall {
  readonly refuse: (error: PodroleError) => void;
}

/** Varied by ±50 %, so that refused callers do not return together. */
const OVERLOAD_RETRY_AFTER_MS = 4_000;

/** Returns SERVER_OVERLOADED with a time to retry. `message`: as in ErrorInfo. */
export function overloadedError(message: string): PodroleError {
  return new PodroleError("SERVER_OVERLOADED", message, { retryAfterMs: jitter(OVERLOAD_RETRY_AFTER_MS, 0.5) });
}

/** Returns the address of "ip:port": the caller that callers without a proof count as. */
export function withoutPort(peer: string): string {
  return peer.replace(/:\d+$/, "");
}

/** Creates the bound. `onRefused` is called for each refused call. */
export function createCallsInFlight(
  { onRefused }: { readonly onRefused?: () => void },
  { max }: { readonly max: number },
): CallsInFlight {
  /** By caller, the oldest first. */
  const byCaller = new Map<string, Set<HeldCall>>();
  let total = 0;

  function add(caller: string, call: HeldCall): void {
    byCaller.set(caller, (byCaller.get(caller) ?? new Set()).add(call));
    total += 1;
  }

  /** Returns false if the call has been removed before. */
  function remove(caller: string, call: HeldCall): boolean {
    const calls = byCaller.get(caller);
    if (!calls?.delete(call)) return false;
    total -= 1;
    if (calls.size === 0) byCaller.delete(caller);
    return true;
  }

  /** The caller with most calls in flight; if several have equally many, the one whose calls began last. */
  function greediest(): readonly [string, ReadonlySet<HeldCall>] {
    let most: readonly [string, ReadonlySet<HeldCall>] = ["", new Set()];
    for (const entry of byCaller) if (entry[1].size >= most[1].size) most = entry;
    return most;
  }

  function refuseOne(): void {
    const [caller, calls] = greediest();
    const newest = Array.from(calls).at(-1);
    if (newest === undefined) return;
    remove(caller, newest);
    onRefused?.();
    newest.refuse(overloadedError(`Cannot serve the request: ${max} others are in flight; expected fewer`));
  }

  return {
    begin(first, refuse) {
      const call = { refuse };
      let caller = first;
      add(caller, call);
      if (total > max) refuseOne();
      return {
        countFor(other) {
          if (remove(caller, call)) add(other, call);
          caller = other;
        },
        end: () => void remove(caller, call),
      };
    },
  };
}
