// Facts of which each may be unknown, with the reason: a missing permission hides only what follows from the fact, and
// nothing takes the place of a fact that is unknown.
import { missingRight } from "../kubernetes/errors.ts";
import { PodroleError } from "../protocol/errors.ts";

/** Why a fact is unknown. */
export interface Unknown {
  readonly unknown: string;
  /**
   * Set if it could not be read: the permissions that the caller lacks, such as "list on pods in namespace shop"; empty
   * if it was something else. Absent if there is nothing to read.
   */
  readonly needs?: readonly string[];
}

/** A fact, or the reason why it is unknown. */
export type Known<T> = { readonly value: T } | Unknown;

/** Concurrent reviews and page reads: a limit on the load of the API server. */
const MAX_CONCURRENT_READS = 8;

/**
 * The fact, or the message of the error as the reason. Throws errors for which `fatal` is true: after them, no other
 * fact can be read.
 */
export async function readKnown<T>(
  read: () => Promise<T>,
  fatal: (error: unknown) => boolean = () => false,
): Promise<Known<T>> {
  try {
    return { value: await read() };
  } catch (error) {
    if (fatal(error)) throw error;
    const unknown = error instanceof Error ? error.message : String(error);
    const needs = missingRight(error);
    // An Error of the reader itself says that there is nothing to read, such as a Secret without a CA yet.
    if (!(error instanceof PodroleError)) return { unknown };
    return { unknown, needs: needs === undefined ? [] : [needs] };
  }
}

/** As readKnown(), but throws every error that is no missing permission. */
export function readAllowed<T>(read: () => Promise<T>): Promise<Known<T>> {
  return readKnown(read, (error) => missingRight(error) === undefined);
}

/** Facts by name as one; unknown, with the first reason and the permissions for all of them, if one of them is. */
export function allKnown<Facts extends Readonly<Record<string, unknown>>>(
  facts: {
    readonly [Name in keyof Facts]: Known<Facts[Name]>;
  },
): Known<Facts> {
  const values: Record<string, unknown> = {};
  const unknown: Unknown[] = [];
  for (const [name, fact] of Object.entries<Known<unknown>>(facts)) {
    if ("unknown" in fact) unknown.push(fact);
    else values[name] = fact.value;
  }
  const [first] = unknown;
  if (first === undefined) return { value: values as Facts };
  const needs = unknown.flatMap((fact) => fact.needs ?? []);
  return { ...first, ...(needs.length > 0 && { needs: [...new Set(needs)] }) };
}

/** Derives a fact from another; unknown, with its reason, if that one is. */
export function deriveKnown<T, Result>(fact: Known<T>, derive: (value: T) => Result): Known<Result> {
  return "unknown" in fact ? fact : { value: derive(fact.value) };
}

/** Runs `read` for every item with limited concurrency; results are in the order of the items. */
export async function readEach<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += MAX_CONCURRENT_READS) {
    results.push(...(await Promise.all(items.slice(at, at + MAX_CONCURRENT_READS).map(read))));
  }
  return results;
}
