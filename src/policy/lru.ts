// Results of pure functions, kept within a budget. Entries live from set() until others push them out: the one used
// longest ago goes first. Nobody ends the cache; it holds no secret, no timer and no promise.

export interface Lru<V> {
  get(key: string): V | undefined;
  /** `cost` in whatever unit the budget is. A value that costs more than the whole budget is not kept. */
  set(key: string, value: V, cost: number): void;
}

export function createLru<V>(budget: number): Lru<V> {
  // A Map iterates in the order of insertion, so the first key is the one used longest ago.
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
