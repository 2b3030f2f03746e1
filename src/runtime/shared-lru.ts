// A map of which owners share the room: when it is full, the owner with most entries loses its least recently used one.
// So no owner, such as a namespace, evicts what others use. An entry lives from set() until delete(), or until it is
// evicted. The map itself ends with its owner: it has no timer.

/** A map with room for so many entries. get() and set() make an entry the most recently used one of its owner. */
export interface SharedLru<V> {
  get(key: string): V | undefined;
  /** Returns a value, and does not make its entry the most recently used one. */
  peek(key: string): V | undefined;
  /** Stores a value, which counts for `owner` from now on. */
  set(key: string, value: V, owner: string): void;
  delete(key: string): void;
  /** Number of entries. */
  readonly size: number;
  /** The keys, in no order; deleting one meanwhile is allowed. */
  keys(): Iterable<string>;
  /** The entries, in no order; deleting one meanwhile is allowed. */
  entries(): Iterable<readonly [string, V]>;
}

/** How a shared map is bounded; `onEvicted` receives each entry that is evicted. */
export interface SharedLruOptions<V> {
  readonly capacity: number;
  readonly onEvicted?: (key: string, value: V) => void;
}

/** Creates an empty map. */
export function createSharedLru<V>({ capacity, onEvicted }: SharedLruOptions<V>): SharedLru<V> {
  const entries = new Map<string, { readonly value: V; readonly owner: string }>();
  /** The keys of each owner, the least recently used first: a Set iterates in the order of insertion. */
  const owners = new Map<string, Set<string>>();

  function remove(key: string): void {
    const entry = entries.get(key);
    if (entry === undefined) return;
    entries.delete(key);
    const own = owners.get(entry.owner);
    own?.delete(key);
    if (own?.size === 0) owners.delete(entry.owner);
  }

  function use(key: string, owner: string): void {
    const own = owners.get(owner) ?? new Set();
    own.delete(key);
    owners.set(owner, own.add(key));
  }

  function evictOne(): void {
    let most: ReadonlySet<string> = new Set();
    for (const own of owners.values()) if (own.size > most.size) most = own;
    for (const key of most) {
      const evicted = entries.get(key);
      remove(key);
      if (evicted) onEvicted?.(key, evicted.value);
      return;
    }
  }

  return {
    get(key) {
      const entry = entries.get(key);
      if (entry) use(key, entry.owner);
      return entry?.value;
    },
    peek: (key) => entries.get(key)?.value,
    set(key, value, owner) {
      remove(key);
      entries.set(key, { value, owner });
      use(key, owner);
      if (entries.size > capacity) evictOne();
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
