// What the connections of each address have cost without proving anything: a client that presents certificates which
// are expensive to verify, that sends frames without a call, or that connects anew as soon as it is closed, uses CPU
// time that others need. An address owes the CPU time of its connections until they have proved who calls; what has
// not stays owed, and a part of all is forgiven each second. An address that has proved something is never in debt:
// pods may share it with strangers (a NAT, their node), who would otherwise make them wait.
// States of an address: within its credit → in debt → within its credit again, by time; or known, by a proof; or
// forgotten, when too many others were charged since. There is no timer.
import type { Clock } from "./clock.ts";
import { createLru } from "./lru.ts";

/** The costs by address. */
export interface UnprovenCosts {
  /** Adds CPU time in milliseconds. */
  charge(address: string, cpuMs: number): void;
  /** Reports whether the address owes more than its credit, and has proved nothing. */
  isInDebt(address: string): boolean;
  /** A connection of the address has proved who calls: takes back its cost. */
  prove(address: string, cpuMs: number): void;
  /** Reports whether the address has proved something and owes no more than its credit. */
  isTrusted(address: string): boolean;
}

/** An ordinary handshake takes 1.4 ms, so that this is for some 20 that fail, or that are under way at once. */
export const CREDIT_MS = 30;
/** 0.2 % of one core for each address. */
export const FORGIVEN_MS_PER_S = 2;
const MAX_CHARGED_ADDRESSES = 4_096;

/** Creates costs of nobody. */
export function createUnprovenCosts({ clock }: { readonly clock: Pick<Clock, "elapsedMs"> }): UnprovenCosts {
  const known = createLru<true>(MAX_CHARGED_ADDRESSES);
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
  const isKnown = (address: string) => known.peek(address) === true;
  const isBeyondCredit = (address: string) => owedMs(address) > CREDIT_MS;

  return {
    charge,
    isInDebt: (address) => !isKnown(address) && isBeyondCredit(address),
    prove(address, cpuMs) {
      charge(address, -cpuMs);
      known.set(address, true);
    },
    isTrusted: (address) => isKnown(address) && !isBeyondCredit(address),
  };
}
