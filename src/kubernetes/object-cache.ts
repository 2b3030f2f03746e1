// The content of a reflector: the cached part of each object by key. It ends with its reflector.
import type { ObjectMeta } from "./objects.ts";

/** The cached part of each object, by key. */
export interface ObjectCache<Item, Cached> {
  get(key: string): Cached | undefined;
  /** Returns the same array until something changes. */
  list(): readonly Cached[];
  /** Returns the objects of a namespace without reading those of others. */
  listIn(namespace: string): readonly Cached[];
  put(object: Item): void;
  remove(object: { readonly metadata: ObjectMeta }): void;
  /** Begins a new content. Nothing changes until finish(). */
  replace(): Replacement<Item>;
}

/**
 * A new content, which takes the place of the present one. Objects whose resourceVersion is cached stay as they are.
 */
export interface Replacement<Item> {
  add(objects: readonly Item[]): void;
  finish(): void;
}

/**
 * Creates an empty cache. `project` selects the part of an object to cache; it receives neither managedFields nor the
 * copy of the object that kubectl apply keeps in an annotation. The first listIn() makes an index of the namespaces,
 * which takes memory for each object.
 */
export function createObjectCache<Item extends { readonly metadata: ObjectMeta }, Cached>({
  project,
}: {
  readonly project: (object: Item) => Cached;
}): ObjectCache<Item, Cached> {
  type Entries = Map<string, { readonly version: string | undefined; readonly cached: Cached }>;
  let entries: Entries = new Map();
  let index: KeyIndex | undefined;
  let listed: readonly Cached[] | undefined;

  function putInto(target: Entries, object: Item): void {
    const key = cacheKey(object.metadata);
    const version = object.metadata.resourceVersion;
    const present = entries.get(key);
    const isKnown = present !== undefined && version !== undefined && present.version === version;
    target.set(key, isKnown ? present : { version, cached: project(withoutBulk(object)) });
  }

  return {
    get: (key) => entries.get(key)?.cached,
    listIn(namespace) {
      index ??= createKeyIndex(entries.keys());
      const found = index.keysIn(namespace).map((key) => entries.get(key));
      return found.filter((entry) => entry !== undefined).map(({ cached }) => cached);
    },
    list() {
      listed ??= Array.from(entries.values(), ({ cached }) => cached);
      return listed;
    },
    put(object) {
      putInto(entries, object);
      index?.add(cacheKey(object.metadata));
      listed = undefined;
    },
    remove({ metadata }) {
      entries.delete(cacheKey(metadata));
      index?.remove(cacheKey(metadata));
      listed = undefined;
    },
    replace() {
      const replacement: Entries = new Map();
      return {
        add(objects) {
          for (const object of objects) putInto(replacement, object);
        },
        finish() {
          entries = replacement;
          index = undefined;
          listed = undefined;
        },
      };
    },
  };
}

type KeyIndex = ReturnType<typeof createKeyIndex>;

/** Keys by namespace. */
function createKeyIndex(all: Iterable<string>) {
  const keys = new Map<string, Set<string>>();
  function add(key: string): void {
    const namespace = namespaceIn(key);
    const present = keys.get(namespace);
    if (present) present.add(key);
    else keys.set(namespace, new Set([key]));
  }
  for (const key of all) add(key);
  return {
    add,
    keysIn: (namespace: string): readonly string[] => [...(keys.get(namespace) ?? [])],
    remove(key: string): void {
      const namespace = namespaceIn(key);
      const present = keys.get(namespace);
      present?.delete(key);
      if (present?.size === 0) keys.delete(namespace);
    },
  };
}

/** Returns the namespace of a key, empty for an object without one. */
function namespaceIn(key: string): string {
  return key.slice(0, Math.max(0, key.indexOf("/")));
}

/** Returns "namespace/name", or "name" for an object without a namespace. */
export function cacheKey({ namespace, name = "" }: Pick<ObjectMeta, "namespace" | "name">): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** The object as it was last given to `kubectl apply`, as JSON. */
const LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration";

/**
 * Removes what describes the object's history: managedFields (which client set which field) and kubectl's copy of the
 * object. Together they are often more than half of an object, they may repeat values of its spec, and no cache needs
 * them.
 */
function withoutBulk<Item extends { readonly metadata: ObjectMeta }>(object: Item): Item {
  const { managedFields: _fields, ...metadata } = object.metadata;
  if (metadata.annotations === undefined) return { ...object, metadata };
  const { [LAST_APPLIED]: _copy, ...annotations } = metadata.annotations;
  return { ...object, metadata: { ...metadata, annotations } };
}
