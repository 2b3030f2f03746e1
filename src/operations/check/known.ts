// Facts of which each may be unknown, with the reason: a missing permission skips only the checks that need the fact.

/** A fact, or the reason why it could not be read. */
export type Known<T> = { readonly value: T } | { readonly unknown: string };

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
    return { unknown: error instanceof Error ? error.message : String(error) };
  }
}

/** Facts by name as one; unknown, with the first reason, if one of them is. */
export function allKnown<Facts extends Readonly<Record<string, unknown>>>(
  facts: {
    readonly [Name in keyof Facts]: Known<Facts[Name]>;
  },
): Known<Facts> {
  const values: Record<string, unknown> = {};
  for (const [name, fact] of Object.entries<Known<unknown>>(facts)) {
    if ("unknown" in fact) return fact;
    values[name] = fact.value;
  }
  return { value: values as Facts };
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
