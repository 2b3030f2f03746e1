// The content of a reflector: the cached part of each object by key, and the listeners for changes. It ends with its
// reflector.
import { createChanges } from "../runtime/changes.ts";
import type { ObjectMeta } from "./objects.ts";

/** `before` is undefined for a new object, `after` for a deleted one. */
export interface Change<Cached> {
  readonly key: string;
  readonly before: Cached | undefined;
  readonly after: Cached | undefined;
}

export type Listener<Cached> = (change: Change<Cached>) => void;

/** The cached part of each object, by key. */
export interface ObjectCache<Item, Cached> {
  get(key: string): Cached | undefined;
  list(): readonly Cached[];
  put(object: Item): void;
  remove(object: Item): void;
  /** Replaces the whole content. Objects whose resourceVersion is already cached cause no change. */
  replaceAll(objects: readonly Item[]): void;
  onChange(listener: Listener<Cached>): () => void;
}

/**
 * Creates an empty cache. `project` selects the part of an object to cache; it receives neither managedFields nor the
 * copy of the object that kubectl apply keeps in an annotation.
 */
export function createObjectCache<Item extends { readonly metadata: ObjectMeta }, Cached>({
  project,
  onListenerError,
}: {
  readonly project: (object: Item) => Cached;
  /** Receives what a listener throws: it must not end the watch that called the listener. */
  readonly onListenerError: (error: unknown) => void;
}): ObjectCache<Item, Cached> {
  const entries = new Map<string, { readonly version: string | undefined; readonly cached: Cached }>();
  const { emit, onChange } = createChanges<Change<Cached>>(onListenerError);

  function put(object: Item): void {
    const key = keyOf(object.metadata);
    const version = object.metadata.resourceVersion;
    const before = entries.get(key);
    if (before !== undefined && version !== undefined && before.version === version) return;
    const after = project(withoutBulk(object));
    entries.set(key, { version, cached: after });
    emit({ key, before: before?.cached, after });
  }

  function removeKey(key: string): void {
    const before = entries.get(key);
    if (before === undefined) return;
    entries.delete(key);
    emit({ key, before: before.cached, after: undefined });
  }

  return {
    get: (key) => entries.get(key)?.cached,
    list: () => Array.from(entries.values(), ({ cached }) => cached),
    put,
    remove: (object) => removeKey(keyOf(object.metadata)),
    replaceAll(objects) {
      const present = new Set(objects.map(({ metadata }) => keyOf(metadata)));
      for (const key of entries.keys()) if (!present.has(key)) removeKey(key);
      for (const object of objects) put(object);
    },
    onChange,
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
