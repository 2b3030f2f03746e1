// Results of pure functions, cached within a budget. An entry lives from set() until others evict it, least recently
// used first. The cache needs no end: it holds no secret, no timer and no promise.

/** A cache with a budget. */
export interface Lru<V> {
  get(key: string): V | undefined;
  /** Stores a value. `cost` has the unit of the budget. A value that costs more than the whole budget is not stored. */
  set(key: string, value: V, cost: number): void;
}

/** Creates an empty cache. `budget` limits the sum of the costs of its entries. */
export function createLru<V>(budget: number): Lru<V> {
  // A Map iterates in the order of insertion, so the first key is the least recently used one.
  const entries = new Map<string, { readonly value: V; readonly cost: number }>();
  let spent = 0;
  function remove(key: string): void {
    spent -= entries.get(key)?.cost ?? 0;
    entries.delete(key);
  }
  return {
    get(key) {
      const entry = entries.get(key);
      if (entry === undefined) return undefined;
      entries.delete(key);
      entries.set(key, entry);
      return entry.value;
    },
    set(key, value, cost) {
      remove(key);
      if (cost > budget) return;
      entries.set(key, { value, cost });
      spent += cost;
      for (const oldest of entries.keys()) {
        if (spent <= budget) break;
        remove(oldest);
      }
    },
  };
}
