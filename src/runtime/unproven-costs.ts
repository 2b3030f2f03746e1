// What the handshakes of each address have cost without proving anything: a client that presents certificates which are
// expensive to verify, or that connects anew as soon as it is closed, uses CPU time that others need. An address owes
// the CPU time of its handshakes until they are complete; one that fails stays owed, and a part of all is forgiven
// each second. An address that has completed a handshake is never in debt: pods may share it with strangers (a NAT,
// their node), who would otherwise make them wait.
// States of an address: within its credit → in debt → within its credit again, by time; or known, by a completed
// handshake; or forgotten, when too many others were charged since. There is no timer.
import type { Clock } from "./clock.ts";
import { createLru } from "./lru.ts";

/** The costs by address. */
export interface HandshakeCosts {
  /** Adds CPU time in milliseconds. */
  charge(address: string, cpuMs: number): void;
  /** Reports whether the address owes more than its credit, and has completed no handshake. */
  isInDebt(address: string): boolean;
  /** A handshake of the address is complete: takes back its cost. */
  complete(address: string, cpuMs: number): void;
  /** Reports whether the address has completed a handshake and owes no more than its credit. */
  isTrusted(address: string): boolean;
}

/** An ordinary handshake takes 1.4 ms, so that this is for some 20 that fail, or that are under way at once. */
export const CREDIT_MS = 30;
/** 0.2 % of one core for each address. */
export const FORGIVEN_MS_PER_S = 2;
const MAX_CHARGED_ADDRESSES = 4_096;

/** Creates costs of nobody. */
export function createHandshakeCosts({ clock }: { readonly clock: Pick<Clock, "elapsedMs"> }): HandshakeCosts {
  const completed = createLru<true>(MAX_CHARGED_ADDRESSES);
  const debts = createLru<{ readonly owedMs: number; readonly at: number }>(MAX_CHARGED_ADDRESSES);

  function owedMs(address: string): number {
    const debt = debts.peek(address);
    if (debt === undefined) return 0;
    const forgivenMs = (Math.max(0, clock.elapsedMs() - debt.at) / 1_000) * FORGIVEN_MS_PER_S;
    return Math.max(0, debt.owedMs - forgivenMs);
  }

  function charge(address: string, cpuMs: number): void {
    debts.set(address, { owedMs: Math.max(0, owedMs(address) + cpuMs), at: clock.elapsedMs() });
  }
  const isKnown = (address: string) => completed.peek(address) === true;
  const isBeyondCredit = (address: string) => owedMs(address) > CREDIT_MS;

  return {
    charge,
    isInDebt: (address) => !isKnown(address) && isBeyondCredit(address),
    complete(address, cpuMs) {
      charge(address, -cpuMs);
      completed.set(address, true);
    },
    isTrusted: (address) => isKnown(address) && !isBeyondCredit(address),
  };
}
