// The content of a reflector: the cached part of each object by key. It ends with its reflector.
import type { ObjectMeta } from "./objects.ts";

/** The cached part of each object, by key. */
export interface ObjectCache<Item, Cached> {
  get(key: string): Cached | undefined;
  list(): readonly Cached[];
  put(object: Item): void;
  remove(object: Item): void;
  /** Replaces the whole content. Objects whose resourceVersion is already cached stay as they are. */
  replaceAll(objects: readonly Item[]): void;
}

/**
 * Creates an empty cache. `project` selects the part of an object to cache; it receives neither managedFields nor the
 * copy of the object that kubectl apply keeps in an annotation.
 */
export function createObjectCache<Item extends { readonly metadata: ObjectMeta }, Cached>({
  project,
}: {
  readonly project: (object: Item) => Cached;
}): ObjectCache<Item, Cached> {
  const entries = new Map<string, { readonly version: string | undefined; readonly cached: Cached }>();

  function put(object: Item): void {
    const key = keyOf(object.metadata);
    const version = object.metadata.resourceVersion;
    const present = entries.get(key);
    if (present !== undefined && version !== undefined && present.version === version) return;
    entries.set(key, { version, cached: project(withoutBulk(object)) });
  }

  return {
    get: (key) => entries.get(key)?.cached,
    list: () => Array.from(entries.values(), ({ cached }) => cached),
    put,
    remove: (object) => void entries.delete(keyOf(object.metadata)),
    replaceAll(objects) {
      const present = new Set(objects.map(({ metadata }) => keyOf(metadata)));
      for (const key of entries.keys()) if (!present.has(key)) entries.delete(key);
      for (const object of objects) put(object);
    },
  };
}

/** Returns "namespace/name", or "name" for an object without a namespace. */
function keyOf({ namespace, name = "" }: ObjectMeta): string {
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
