// The content of a reflector: the cached part of each object by key. It ends with its reflector.
import type { ObjectMeta } from "./objects.ts";

/** The cached part of each object, by key. */
export interface ObjectCache<Item, Cached> {
  get(key: string): Cached | undefined;
  /** Returns the same array until something changes. */
  list(): readonly Cached[];
  /** Returns the objects of a namespace without reading those of others. Throws if the cache has no index. */
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
 * copy of the object that kubectl apply keeps in an annotation. `isIndexed`: whether listIn() is available, which takes
 * memory for each object.
 */
export function createObjectCache<Item extends { readonly metadata: ObjectMeta }, Cached>({
  project,
  isIndexed = false,
}: {
  readonly project: (object: Item) => Cached;
  readonly isIndexed?: boolean;
}): ObjectCache<Item, Cached> {
  type Entries = Map<string, { readonly version: string | undefined; readonly cached: Cached }>;
  let entries: Entries = new Map();
  let index = isIndexed ? createKeyIndex() : undefined;
  let listed: readonly Cached[] | undefined;

  function putInto(target: Entries, targetIndex: KeyIndex | undefined, object: Item): void {
    const key = cacheKey(object.metadata);
    const version = object.metadata.resourceVersion;
    const present = entries.get(key);
    const isKnown = present !== undefined && version !== undefined && present.version === version;
    target.set(key, isKnown ? present : { version, cached: project(withoutBulk(object)) });
    targetIndex?.add(object.metadata.namespace ?? "", key);
  }

  return {
    get: (key) => entries.get(key)?.cached,
    listIn(namespace) {
      if (index === undefined) throw new Error("Cannot list a namespace: the cache has no index; expected isIndexed");
      const found = index.keysIn(namespace).map((key) => entries.get(key));
      return found.filter((entry) => entry !== undefined).map(({ cached }) => cached);
    },
    list() {
      listed ??= Array.from(entries.values(), ({ cached }) => cached);
      return listed;
    },
    put(object) {
      putInto(entries, index, object);
      listed = undefined;
    },
    remove({ metadata }) {
      entries.delete(cacheKey(metadata));
      index?.remove(metadata.namespace ?? "", cacheKey(metadata));
      listed = undefined;
    },
    replace() {
      const replacement: Entries = new Map();
      const replacementIndex = isIndexed ? createKeyIndex() : undefined;
      return {
        add(objects) {
          for (const object of objects) putInto(replacement, replacementIndex, object);
        },
        finish() {
          entries = replacement;
          index = replacementIndex;
          listed = undefined;
        },
      };
    },
  };
}

type KeyIndex = ReturnType<typeof createKeyIndex>;

/** Keys by namespace. */
function createKeyIndex() {
  const keys = new Map<string, Set<string>>();
  return {
    keysIn: (namespace: string): readonly string[] => [...(keys.get(namespace) ?? [])],
    add(namespace: string, key: string): void {
      const present = keys.get(namespace);
      if (present) present.add(key);
      else keys.set(namespace, new Set([key]));
    },
    remove(namespace: string, key: string): void {
      const present = keys.get(namespace);
      present?.delete(key);
      if (present?.size === 0) keys.delete(namespace);
    },
  };
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
