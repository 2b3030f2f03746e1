// What a fuzz target is, and the invariants that hold for all of them: no exception, only coded refusals, bounded time,
// and no planted secret in anything that leaves podrole.
import assert from "node:assert/strict";
import type * as fc from "fast-check";
import { type ErrorCode, type ErrorInfo, isRefusal, PodroleError } from "../../src/protocol/errors.ts";

/** Code that reads what strangers write. */
export interface FuzzTarget<Input = unknown> {
  readonly name: string;
  /** Share of the inputs, relative to the other targets. */
  readonly weight: number;
  readonly inputs: fc.Arbitrary<Input>;
  /** True if `run` returns a promise. */
  readonly isAsync?: true;
  /**
   * Passes one input to the code under test, and throws if an invariant does not hold. Returns the texts that would
   * leave podrole: messages, log lines, answers.
   */
  readonly run: (input: Input) => readonly string[] | Promise<readonly string[]>;
}

/** Forgets the type of the inputs, so that all targets fit into one list. */
export function defineTarget<Input>(given: FuzzTarget<Input>): FuzzTarget {
  return given as unknown as FuzzTarget;
}

/** Milliseconds that one input may take; beyond it, the input is run again, because the machine may have been busy. */
export const LIMIT_MS = 500;

/** Beginning of every planted secret. */
export const CANARY = "CANARY";

const planted = new Map<string, string>();

/** Returns a secret value to plant; `what` says what it stands for. */
export function canaryOf(what: string): string {
  const known = Array.from(planted).find(([, name]) => name === what)?.[0];
  const value = known ?? `${CANARY}${planted.size}x${Math.random().toString(36).slice(2, 12)}`;
  planted.set(value, what);
  return value;
}

/** Registers an existing secret as planted, such as a part of a private key. */
export function plantCanary(what: string, value: string): string {
  planted.set(value, what);
  return value;
}

/** Returns what each planted secret stands for. */
export const plantedSecrets = (): readonly string[] => [...planted.values()];

/** Throws if a text contains a planted secret. */
export function assertNoCanary(text: string): void {
  for (const [value, what] of planted) {
    if (text.includes(value))
      throw new assert.AssertionError({ message: `${what} leaves podrole: ${excerpt(text, value)}` });
  }
}

function excerpt(text: string, value: string): string {
  const at = text.indexOf(value);
  return JSON.stringify(text.slice(Math.max(0, at - 100), at + value.length + 20));
}

/** Longer than any message of podrole's. */
const MAX_MESSAGE_LENGTH = 2_000;

/** Asserts that a refusal has one of the codes and a message that is fit for a terminal; returns the message. */
export function messageOf(refusal: ErrorInfo, codes: readonly ErrorCode[]): string {
  assert.ok(codes.includes(refusal.code), `the code is ${refusal.code}; expected one of ${codes.join(", ")}`);
  assert.ok(refusal.message.startsWith("Cannot "), refusal.message.slice(0, 200));
  assert.ok(refusal.message.length <= MAX_MESSAGE_LENGTH, `the message has ${refusal.message.length} characters`);
  assert.ok(!/[\p{C}\p{Zl}\p{Zp}]/u.test(refusal.message), "the message has invisible characters");
  return refusal.message;
}

/** Runs code that may throw a PodroleError with one of the codes, and nothing else; returns its messages. */
export function refusalMessages(codes: readonly ErrorCode[], code: () => readonly string[]): readonly string[] {
  try {
    return code();
  } catch (error) {
    if (error instanceof PodroleError && isRefusal(error)) return [messageOf(error, codes)];
    throw error;
  }
}
