// The objects of the simulated API server, with versions and the recent changes that a watch can continue from.
import type { ObjectMeta } from "../../src/kubernetes/objects.ts";

/** An object of the API. */
export interface StoredObject {
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** A change of an object. */
export interface StoredChange {
  readonly version: number;
  readonly resource: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: StoredObject;
}

/** The objects. */
export interface ClusterStore {
  get(resource: string, key: string): StoredObject | undefined;
  list(resource: string): readonly StoredObject[];
  /** Creates or replaces; returns the object with its new version. */
  put(resource: string, object: StoredObject): StoredObject;
  remove(resource: string, key: string): void;
  version(): number;
  /** Changes after a version; undefined if the store no longer has all of them (410). */
  since(version: number): readonly StoredChange[] | undefined;
  /** Forgets the recent changes. */
  compact(): void;
  onChange(listener: (change: StoredChange) => void): () => void;
}

const MAX_CHANGES = 1_000;

/** Returns "namespace/name", or "name" for an object without a namespace. */
export function keyOf({ namespace, name = "" }: ObjectMeta): string {
  return namespace === undefined ? name : `${namespace}/${name}`;
}

/** Creates an empty store. */
export function createClusterStore(): ClusterStore {
  const objects = new Map<string, Map<string, StoredObject>>();
  const listeners = new Set<(change: StoredChange) => void>();
  let changes: StoredChange[] = [];
  let version = 1;
  let oldest = 1;

  function of(resource: string): Map<string, StoredObject> {
    const found = objects.get(resource) ?? new Map<string, StoredObject>();
    objects.set(resource, found);
    return found;
  }

  function record(resource: string, type: StoredChange["type"], object: StoredObject): void {
    const change = { version, resource, type, object };
    changes.push(change);
    if (changes.length > MAX_CHANGES) {
      changes = changes.slice(MAX_CHANGES / 2);
      oldest = (changes[0]?.version ?? version) - 1;
    }
    for (const listener of listeners) listener(change);
  }

  return {
    get: (resource, key) => of(resource).get(key),
    list: (resource) => [...of(resource).values()],
    put(resource, object) {
      version += 1;
      const stored = { ...object, metadata: { ...object.metadata, resourceVersion: String(version) } };
      const key = keyOf(stored.metadata);
      const type = of(resource).has(key) ? "MODIFIED" : "ADDED";
      of(resource).set(key, stored);
      record(resource, type, stored);
      return stored;
    },
    remove(resource, key) {
      const present = of(resource).get(key);
      if (!present) return;
      version += 1;
      of(resource).delete(key);
      const metadata = { ...present.metadata, resourceVersion: String(version) };
      record(resource, "DELETED", { ...present, metadata });
    },
    version: () => version,
    since: (from) =>
      from < oldest ? undefined : changes.slice(changes.findLastIndex(({ version: of }) => of <= from) + 1),
    compact() {
      changes = [];
      oldest = version;
    },
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
