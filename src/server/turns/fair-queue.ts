// Calls that wait for their turn, shared evenly: namespaces take turns, and within a namespace its pods do. So a caller
// waits for at most one call of each other namespace and one of each other pod of its own, however many calls those
// have. An item lives from push() until take() returns it, delete() removes it, or push() drops it. When the queue is
// full, the newest item of the pod with most items, in the namespace with most items, is dropped. There is no timer.

/** The pod whose share of the turns an item belongs to. */
export interface PodKey {
  readonly namespace: string;
  /** The pod's uid. */
  readonly uid: string;
}

/** A bounded queue of items, each an object that is in it at most once. */
export interface FairQueue<Item extends PodKey> {
  readonly size: number;
  /** Number of waiting items of one pod. */
  sizeOf(pod: PodKey): number;
  /** Adds an item; returns the item that was dropped for it, which may be the same one, undefined if there was room. */
  push(item: Item): Item | undefined;
  /** Removes and returns the item whose turn it is; undefined if the queue is empty. */
  take(): Item | undefined;
  /** Removes an item. */
  delete(item: Item): void;
}

/** The waiting items of one namespace, by pod. The order of the map is the order of turns. */
interface PodLine<Item> {
  readonly pods: Map<string, PodItems<Item>>;
  size: number;
}

/** The waiting items of one pod, oldest first. */
interface PodItems<Item> {
  readonly size: number;
  add(item: Item): void;
  delete(item: Item): boolean;
  oldest(): Item | undefined;
  newest(): Item | undefined;
}

/** Each operation takes a constant time on average, also newest(), which a Set can find only by a walk over it all. */
function createPodItems<Item>(): PodItems<Item> {
  const items = new Set<Item>();
  /** In the order of add(), with items that have left the set meanwhile. */
  let added: Item[] = [];
  return {
    get size() {
      return items.size;
    },
    add(item) {
      items.add(item);
      added.push(item);
      if (added.length > 2 * items.size + 8) added = Array.from(items);
    },
    delete: (item) => items.delete(item),
    oldest() {
      const [item] = items;
      return item;
    },
    newest() {
      for (let item = added.at(-1); item !== undefined; item = added.at(-1)) {
        if (items.has(item)) return item;
        added.pop();
      }
      return undefined;
    },
  };
}

/** Creates an empty queue for at most `capacity` items. */
export function createFairQueue<Item extends PodKey>(capacity: number): FairQueue<Item> {
  /** The order of the map is the order of turns. */
  const lines = new Map<string, PodLine<Item>>();
  let size = 0;

  function add(item: Item): void {
    const line: PodLine<Item> = lines.get(item.namespace) ?? { pods: new Map(), size: 0 };
    lines.set(item.namespace, line);
    const items = line.pods.get(item.uid) ?? createPodItems<Item>();
    line.pods.set(item.uid, items);
    items.add(item);
    line.size += 1;
    size += 1;
  }

  function remove(item: Item): void {
    const line = lines.get(item.namespace);
    const items = line?.pods.get(item.uid);
    if (!line || !items?.delete(item)) return;
    size -= 1;
    line.size -= 1;
    if (items.size === 0) line.pods.delete(item.uid);
    if (line.size === 0) lines.delete(item.namespace);
  }

  return {
    get size() {
      return size;
    },
    sizeOf: ({ namespace, uid }) => lines.get(namespace)?.pods.get(uid)?.size ?? 0,
    push(item) {
      add(item);
      if (size <= capacity) return undefined;
      const line = largestOf(lines.values());
      const items = line && largestOf(line.pods.values());
      const newest = items?.newest();
      if (newest) remove(newest);
      return newest;
    },
    take() {
      const [namespace, line] = firstEntry(lines);
      const [uid, items] = firstEntry(line?.pods);
      const item = items?.oldest();
      if (!line || !items || !item) return undefined;
      remove(item);
      // Whoever still has items takes the next turn after everyone else.
      if (items.size > 0) moveToEnd(line.pods, uid, items);
      if (line.size > 0) moveToEnd(lines, namespace, line);
      return item;
    },
    delete: remove,
  };
}

function firstEntry<Value>(map: ReadonlyMap<string, Value> = new Map()): readonly [string, Value | undefined] {
  const [entry] = map;
  return entry ?? ["", undefined];
}

function moveToEnd<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
}

/** Returns the one with most items; of equal ones the last, so that a newcomer never displaces an equal. */
function largestOf<Sized extends { readonly size: number }>(all: Iterable<Sized>): Sized | undefined {
  let found: Sized | undefined;
  for (const sized of all) if (found === undefined || sized.size >= found.size) found = sized;
  return found;
}
