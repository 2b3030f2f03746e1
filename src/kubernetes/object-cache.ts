// The content of a reflector: the cached part of each object by key. It ends with its reflector.
import { textBytes } from "../runtime/text-bytes.ts";
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

/** How much of one namespace's objects is kept: tenants choose how many there are, and how large. */
export interface NamespaceShare<Cached> {
  /** An estimate of the memory of a cached part. */
  readonly bytesOf: (cached: Cached) => number;
  readonly maxBytes: number;
}

/** What a cache keeps. */
export interface ObjectCacheOptions<Item, Cached> {
  /** Selects the part of an object to cache. */
  readonly project: (object: Item) => Cached;
  /** Objects beyond a namespace's share are not cached, so their readers ask the API server. Absent: all are cached. */
  readonly share?: NamespaceShare<Cached>;
  /** Called for the first object of a namespace beyond its share, once until a new content begins. */
  readonly onSurplus?: (namespace: string) => void;
}

/** Of a key, a version and the entry itself: more than V8 needs for them. */
const ENTRY_BYTES = 400;

const UNBOUNDED: NamespaceShare<unknown> = { bytesOf: () => 0, maxBytes: Infinity };

/**
 * Creates an empty cache. `project` selects the part of an object to cache; it receives neither managedFields nor the
 * copy of the object that kubectl apply keeps in an annotation. The first listIn() makes an index of the namespaces,
 * which takes memory for each object.
 */
export function createObjectCache<Item extends { readonly metadata: ObjectMeta }, Cached>({
  project,
  share = UNBOUNDED,
  onSurplus = () => {},
}: ObjectCacheOptions<Item, Cached>): ObjectCache<Item, Cached> {
  interface Entry {
    readonly version: string | undefined;
    readonly cached: Cached;
    /** Computed once: each list has every object again, and hardly one has changed. */
    readonly bytes: number;
  }
  let content = emptyContent<Entry>();
  let index: KeyIndex | undefined;
  let listed: readonly Cached[] | undefined;

  function toEntry(key: string, version: string | undefined, object: Item): Entry {
    const cached = project(withoutBulk(object));
    return { version, cached, bytes: ENTRY_BYTES + textBytes([key]) + share.bytesOf(cached) };
  }

  function removeFrom(target: Content<Entry>, key: string): void {
    const entry = target.entries.get(key);
    if (entry === undefined) return;
    target.entries.delete(key);
    const namespace = namespaceIn(key);
    const left = (target.bytes.get(namespace) ?? 0) - entry.bytes;
    if (left > 0) target.bytes.set(namespace, left);
    else target.bytes.delete(namespace);
  }

  function putInto(target: Content<Entry>, object: Item): void {
    const key = cacheKey(object.metadata);
    const version = object.metadata.resourceVersion;
    const present = content.entries.get(key);
    const isKnown = present !== undefined && version !== undefined && present.version === version;
    const entry = isKnown ? present : toEntry(key, version, object);
    const namespace = namespaceIn(key);
    const former = target.entries.get(key);
    const total = (target.bytes.get(namespace) ?? 0) + entry.bytes - (former?.bytes ?? 0);
    if (total > share.maxBytes) {
      // An object that no longer fits must not be found in an earlier version.
      removeFrom(target, key);
      if (!target.full.has(namespace)) onSurplus(namespace);
      target.full.add(namespace);
      return;
    }
    target.bytes.set(namespace, total);
    target.entries.set(key, entry);
  }

  return {
    get: (key) => content.entries.get(key)?.cached,
    listIn(namespace) {
      index ??= createKeyIndex(content.entries.keys());
      const found = index.keysIn(namespace).map((key) => content.entries.get(key));
      return found.filter((entry) => entry !== undefined).map(({ cached }) => cached);
    },
    list() {
      listed ??= Array.from(content.entries.values(), ({ cached }) => cached);
      return listed;
    },
    put(object) {
      putInto(content, object);
      const key = cacheKey(object.metadata);
      if (content.entries.has(key)) index?.add(key);
      else index?.remove(key);
      listed = undefined;
    },
    remove({ metadata }) {
      removeFrom(content, cacheKey(metadata));
      index?.remove(cacheKey(metadata));
      listed = undefined;
    },
    replace() {
      const replacement = emptyContent<Entry>();
      return {
        add(objects) {
          for (const object of objects) putInto(replacement, object);
        },
        finish() {
          content = replacement;
          index = undefined;
          listed = undefined;
        },
      };
    },
  };
}

/** Entries by key; of each namespace, the estimate of their memory; the namespaces with objects beyond their share. */
interface Content<Entry> {
  readonly entries: Map<string, Entry>;
  readonly bytes: Map<string, number>;
  readonly full: Set<string>;
}

function emptyContent<Entry>(): Content<Entry> {
  return { entries: new Map(), bytes: new Map(), full: new Set() };
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
