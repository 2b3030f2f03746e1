// Reads facts of which each may be unknown, with the reason.
import type { Known } from "./facts.ts";

/** Concurrent reviews and page reads: a limit on the load of the API server. */
const CONCURRENCY = 8;

/** The fact, or the message of the error as the reason. Throws errors for which `fatal` is true: after them, no other fact can be read. */
export async function known<T>(
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

/** Derives a fact from two others; unknown if one of them is. */
export function both<A, B, Result>(a: Known<A>, b: Known<B>, join: (a: A, b: B) => Result): Known<Result> {
  if ("unknown" in a) return a;
  return "unknown" in b ? b : { value: join(a.value, b.value) };
}

/** Runs `read` for every item with limited concurrency; results are in the order of the items. */
export async function readEach<Item, Result>(
  items: readonly Item[],
  read: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += CONCURRENCY) {
    results.push(...(await Promise.all(items.slice(at, at + CONCURRENCY).map(read))));
  }
  return results;
}
