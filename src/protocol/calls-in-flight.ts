// Bounds the calls that one port works on: while STS or the API server is slow, many calls wait for it. A call that is
// refused gets SERVER_OVERLOADED with a time to retry; its TLS handshake is done, so the answer costs little.
// Callers of one group, such as the pods of a namespace, share what the port has: more pods get no more of it.
// States of a call: in flight, for one caller or later for another → waiting, if it can do without what it waits for →
// ended (the work on it is over, or it no longer waits because the place was needed), or refused (by its own begin(),
// or by that of a caller whose group has fewer calls).
import { jitter } from "../runtime/clock.ts";
import { PodroleError } from "./errors.ts";

/** Who makes a call: an address, which has proved nothing and is a group of its own, or a pod in its namespace. */
export interface CallCaller {
  readonly group: string;
  readonly name: string;
}

/** The calls in flight of one port. */
export interface CallsInFlight {
  /**
   * Registers a call. If there are too many, one that only waits gives its place up; if there is none, the newest call
   * of the caller with most, in the group with most, is refused, which may be this one. `refuse` answers it, and is
   * called at most once. `callerOf` names the caller; it is called only while there are too many.
   */
  begin(callerOf: () => CallCaller, refuse: (error: PodroleError) => void): CallInFlight;
}

/** A registered call. */
export interface CallInFlight {
  /**
   * Counts the call for another caller from now on. `giveUp`: from now on the call waits for something that it can do
   * without; called at most once, it ends the wait, and the call no longer counts. Has no effect on a call that has
   * ended or was refused.
   */
  countFor(caller: CallCaller, giveUp?: () => void): void;
  end(): void;
}

interface HeldCall {
  readonly refuse: (error: PodroleError) => void;
  readonly firstCaller: () => CallCaller;
  /** Once it is known. */
  caller?: CallCaller;
  giveUp?: () => void;
}

/** Varied by ±50 %, so that refused callers do not return together. */
const OVERLOAD_RETRY_AFTER_MS = 4_000;

/** Returns SERVER_OVERLOADED with a time to retry. `message`: as in ErrorInfo. */
export function overloadedError(message: string): PodroleError {
  return new PodroleError("SERVER_OVERLOADED", message, { retryAfterMs: jitter(OVERLOAD_RETRY_AFTER_MS, 0.5) });
}

/** Returns the caller behind a peer, "ip:port", that has proved nothing. */
export function addressCaller(peer: string): CallCaller {
  const address = withoutPort(peer);
  return { group: `address ${address}`, name: address };
}

/** Returns the caller that a pod is. */
export function podCaller({ namespace, uid }: { readonly namespace: string; readonly uid: string }): CallCaller {
  return { group: `namespace ${namespace}`, name: uid };
}

/** Returns the address of "ip:port". */
export function withoutPort(peer: string): string {
  return peer.replace(/:\d+$/, "");
}

/** Creates the bound. `onRefused` is called for each refused call. */
export function createCallsInFlight(
  { onRefused }: { readonly onRefused?: () => void },
  { max }: { readonly max: number },
): CallsInFlight {
  /** Of all callers, the oldest first. */
  const calls = new Set<HeldCall>();

  /** Returns the calls of the group with most; if several have equally many, of the one whose calls began last. */
  function ofGreediest(among: Iterable<HeldCall>, groupOf: (call: HeldCall) => string): readonly HeldCall[] {
    let most: readonly HeldCall[] = [];
    for (const group of Map.groupBy(among, groupOf).values()) if (group.length >= most.length) most = group;
    return most;
  }

  /** Returns who makes the call; its certificate is read at most once. */
  function callerOf(call: HeldCall): CallCaller {
    call.caller ??= call.firstCaller();
    return call.caller;
  }

  const groupOf = (call: HeldCall) => callerOf(call).group;

  function makeRoom(): void {
    const waiting = ofGreediest(
      [...calls].filter(({ giveUp }) => giveUp !== undefined),
      groupOf,
    ).at(-1);
    if (waiting !== undefined) {
      calls.delete(waiting);
      waiting.giveUp?.();
      return;
    }
    const newest = ofGreediest(ofGreediest(calls, groupOf), (call) => callerOf(call).name).at(-1);
    if (newest === undefined) return;
    calls.delete(newest);
    onRefused?.();
    newest.refuse(overloadedError(`Cannot serve the request: ${max} others are in flight; expected fewer`));
  }

  return {
    begin(firstCaller, refuse) {
      const call: HeldCall = { refuse, firstCaller };
      calls.add(call);
      if (calls.size > max) makeRoom();
      return {
        countFor(other, giveUp) {
          call.caller = other;
          if (giveUp !== undefined) call.giveUp = giveUp;
        },
        end: () => void calls.delete(call),
      };
    },
  };
}
