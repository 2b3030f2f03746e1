// The content of a reflector: what is kept of each object, by key, and who hears of changes. It ends with its reflector.
import { createChanges } from "../runtime/changes.ts";
import type { ObjectMeta } from "./objects.ts";

/** `before` is undefined for a new object, `after` for one that went. */
export interface Change<Kept> {
  readonly key: string;
  readonly before: Kept | undefined;
  readonly after: Kept | undefined;
}

export type Listener<Kept> = (change: Change<Kept>) => void;

export interface ObjectCache<Item, Kept> {
  get(key: string): Kept | undefined;
  list(): readonly Kept[];
  readonly size: number;
  put(object: Item): void;
  remove(object: Item): void;
  /** Makes the content this. Objects whose resourceVersion is known already change nothing. */
  replaceAll(objects: readonly Item[]): void;
  onChange(listener: Listener<Kept>): () => void;
}

export function createObjectCache<Item extends { readonly metadata: ObjectMeta }, Kept>({
  project,
  onListenerError,
}: {
  readonly project: (object: Item) => Kept;
  /** A listener that throws must not end the watch that called it. */
  readonly onListenerError: (error: unknown) => void;
}): ObjectCache<Item, Kept> {
  const entries = new Map<string, { readonly version: string | undefined; readonly kept: Kept }>();
  const { emit, onChange } = createChanges<Change<Kept>>(onListenerError);

  function put(object: Item): void {
    const key = keyOf(object.metadata);
    const version = object.metadata.resourceVersion;
    const before = entries.get(key);
    if (before !== undefined && version !== undefined && before.version === version) return;
    const after = project(withoutManagedFields(object));
    entries.set(key, { version, kept: after });
    emit({ key, before: before?.kept, after });
  }

  function removeKey(key: string): void {
    const before = entries.get(key);
    if (before === undefined) return;
    entries.delete(key);
    emit({ key, before: before.kept, after: undefined });
  }

  return {
    get: (key) => entries.get(key)?.kept,
    list: () => Array.from(entries.values(), ({ kept }) => kept),
    get size() {
      return entries.size;
    },
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

/** "namespace/name", or "name" for what has no namespace. */
function keyOf({ namespace, name = "" }: ObjectMeta): string {
  return namespace === undefined || namespace === "" ? name : `${namespace}/${name}`;
}

/** Everything but the record of who set which field: often half of an object, and of no use in a cache. */
function withoutManagedFields<Item extends { readonly metadata: ObjectMeta }>(object: Item): Item {
  const { managedFields: _dropped, ...metadata } = object.metadata;
  return { ...object, metadata };
}
