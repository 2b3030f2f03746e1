// A map within a budget. An entry lives from set() until delete(), or until others evict it, least recently used first.
// The map itself ends with its owner: it has no timer.

/** A map with a budget. get() and set() make an entry the most recently used one. */
export interface Lru<V> {
  get(key: string): V | undefined;
  /** Returns a value, and does not make its entry the most recently used one. */
  peek(key: string): V | undefined;
  /**
   * Stores a value. `cost` has the unit of the budget, 1 by default. A value that costs more than the whole budget is
   * not stored.
   */
  set(key: string, value: V, cost?: number): void;
  delete(key: string): void;
  /** Number of entries. */
  readonly size: number;
  /** The keys, least recently used first; deleting one meanwhile is allowed. */
  keys(): Iterable<string>;
  /** The entries, least recently used first; deleting one meanwhile is allowed. */
  entries(): Iterable<readonly [string, V]>;
}

/** Creates an empty map. `budget` limits the sum of the costs of its entries. */
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
    peek: (key) => entries.get(key)?.value,
    set(key, value, cost = 1) {
      remove(key);
      if (cost > budget) return;
      entries.set(key, { value, cost });
      spent += cost;
      for (const oldest of entries.keys()) {
        if (spent <= budget) break;
        remove(oldest);
      }
    },
    delete: remove,
    get size() {
      return entries.size;
    },
    keys: () => entries.keys(),
    *entries() {
      for (const [key, { value }] of entries) yield [key, value];
    },
  };
}
