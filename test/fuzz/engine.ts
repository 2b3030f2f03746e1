// Runs inputs of a code target with fast-check: a seed repeats them, and a failing input is shrunk.
import * as fc from "fast-check";
import { assertNoCanary, type FuzzTarget, LIMIT_MS } from "./target.ts";

/** A failing input, as small as fast-check could make it; `input` is JSON (see `encodeInput`). */
export interface Failure {
  readonly target: string;
  readonly seed: number;
  readonly input: string;
  readonly error: string;
}

/** How a batch went. */
export interface Batch {
  readonly inputs: number;
  readonly slowestMs: number;
  readonly failure: Failure | undefined;
}

/** Passes one input to the target and checks time and texts; returns the milliseconds. Throws what is not allowed. */
export async function runInput(target: FuzzTarget, input: unknown): Promise<number> {
  return check(target, input);
}

function check(target: FuzzTarget, input: unknown): number | Promise<number> {
  const from = performance.now();
  const texts = target.run(input);
  if (texts instanceof Promise) return texts.then((all) => finish(target, input, from, all));
  return finish(target, input, from, texts);
}

function finish(target: FuzzTarget, input: unknown, from: number, texts: readonly string[]): number {
  const ms = performance.now() - from;
  if (ms > LIMIT_MS) assertQuick(target, input, ms);
  for (const text of texts) assertNoCanary(text);
  return ms;
}

/** The machine may have been busy: an input is slow only if it is slow each time, by the time of this process. */
function assertQuick(target: FuzzTarget, input: unknown, firstMs: number): void {
  for (let attempt = 0; attempt < 2; attempt++) {
    const before = process.cpuUsage();
    void target.run(input);
    const { user, system } = process.cpuUsage(before);
    if ((user + system) / 1000 < LIMIT_MS) return;
  }
  throw new RangeError(`one input took ${Math.round(firstMs)} ms, and as long again; expected at most ${LIMIT_MS} ms`);
}

/** Runs `count` inputs of the target that follow from `seed`. */
export async function runBatch(target: FuzzTarget, seed: number, count: number): Promise<Batch> {
  let inputs = 0;
  let slowestMs = 0;
  const note = (ms: number): void => {
    inputs += 1;
    if (ms > slowestMs) slowestMs = ms;
  };
  const options = { seed, numRuns: count };
  const details: fc.RunDetails<[unknown]> = target.isAsync
    ? await fc.check(
        fc.asyncProperty(target.inputs, async (input) => note(await check(target, input))),
        options,
      )
    : fc.check(
        fc.property(target.inputs, (input) => note(check(target, input) as number)),
        options,
      );
  if (!details.failed) return { inputs, slowestMs, failure: undefined };
  const { counterexample, errorInstance } = details;
  const error = errorInstance instanceof Error ? (errorInstance.stack ?? errorInstance.message) : String(errorInstance);
  return { inputs, slowestMs, failure: { target: target.name, seed, input: encodeInput(counterexample?.[0]), error } };
}

/** Writes an input as JSON; bytes and undefined as objects that no target uses. */
export function encodeInput(input: unknown): string {
  return JSON.stringify(input, (_key, value: unknown) => {
    if (value === undefined) return { $undefined: true };
    if (value instanceof Uint8Array) return { $bytes: Buffer.from(value).toString("base64") };
    // Buffer converts itself to JSON before this function sees it.
    if (isBufferJson(value)) return { $bytes: Buffer.from(value.data).toString("base64") };
    return value;
  });
}

function isBufferJson(value: unknown): value is { readonly data: number[] } {
  return typeof value === "object" && value !== null && "type" in value && value.type === "Buffer" && "data" in value;
}

/** Reads what `encodeInput` wrote. */
export function decodeInput(text: string): unknown {
  return revive(JSON.parse(text));
}

function revive(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revive);
  if (typeof value !== "object" || value === null) return value;
  if ("$undefined" in value) return undefined;
  if ("$bytes" in value) return Buffer.from(String(value.$bytes), "base64");
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, revive(item)]));
}
