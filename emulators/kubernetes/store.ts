// etcd, as clients see it: objects by resource and key, one revision for everything, and a compactable history for
// watches. It lives as long as its emulator; nothing is written to disk.
import { randomUUID } from "node:crypto";
import { createChanges } from "../../src/runtime/changes.ts";
import { type Clock, formatSeconds } from "../../src/runtime/clock.ts";
import type { KubeObject } from "./objects.ts";
import { groupVersion, resourceNamed } from "./resources.ts";
import { alreadyExists, conflictError, notFound } from "./status.ts";

/** `before` lets a watch with a selector decide whether the object starts or stops matching. */
export interface StoreEvent {
  readonly revision: number;
  readonly plural: string;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: KubeObject;
  readonly before: KubeObject | undefined;
}

export type { KubeObject };

/** An object as clients send it: apiVersion and kind follow from the path. */
export type NewObject = Pick<KubeObject, "metadata"> & Readonly<Record<string, unknown>>;

/** Reads, writes and events of all objects. */
export interface Store {
  /** Returns the newest revision, as clients see it. */
  resourceVersion(): string;
  find(plural: string, namespace: string | undefined, name: string): KubeObject | undefined;
  /** Throws NotFound. */
  get(plural: string, namespace: string | undefined, name: string): KubeObject;
  /** Returns the objects sorted by namespace and name, as etcd's keys are. Without `namespace`: all of them. */
  list(plural: string, namespace?: string): readonly KubeObject[];
  /** Sets uid, creationTimestamp and resourceVersion, without admission and validation. Throws AlreadyExists. */
  create(plural: string, object: NewObject): KubeObject;
  /** If `object` has a resourceVersion, it must be the stored one. Throws NotFound and Conflict. */
  replace(plural: string, object: NewObject): KubeObject;
  /** Throws NotFound. */
  remove(plural: string, namespace: string | undefined, name: string): KubeObject;
  /** Returns the events after `resourceVersion`, or undefined if they were compacted. */
  since(resourceVersion: string): readonly StoreEvent[] | undefined;
  onChange(listener: (event: StoreEvent) => void): () => void;
  /** Discards the history: earlier watches and list continuations get 410. */
  compact(): void;
  /** Changes with each `compact()`; list continuations carry it. */
  readonly epoch: number;
}

/** etcd keeps 5 minutes; tests and the demo never need more events than this. */
const MAX_HISTORY_LENGTH = 10_000;
/** Real clusters never start at 0, and clients treat "0" as "any version". */
const FIRST_REVISION = 1000;

/** Creates an empty store. */
export function createStore({ clock }: { readonly clock: Clock }): Store {
  const objects = new Map<string, KubeObject>();
  const { emit, onChange } = createChanges<StoreEvent>(rethrowStoreError);
  let history: StoreEvent[] = [];
  let revision = FIRST_REVISION;
  /** Events up to this revision are compacted. */
  let compacted = FIRST_REVISION;
  let epoch = 1;

  function write(type: StoreEvent["type"], plural: string, object: NewObject, before?: KubeObject): KubeObject {
    revision += 1;
    const { kind, ...group } = resourceNamed(plural);
    const metadata = { ...object.metadata, resourceVersion: String(revision) };
    const written = { ...object, apiVersion: groupVersion(group), kind, metadata };
    const key = storeKey(plural, metadata.namespace, metadata.name);
    if (type === "DELETED") objects.delete(key);
    else objects.set(key, written);
    const event = { revision, plural, type, object: written, before };
    history.push(event);
    if (history.length > MAX_HISTORY_LENGTH) compacted = history.shift()?.revision ?? compacted;
    emit(event);
    return written;
  }

  const find = (plural: string, namespace: string | undefined, name: string) =>
    objects.get(storeKey(plural, namespace, name));

  function get(plural: string, namespace: string | undefined, name: string): KubeObject {
    const found = find(plural, namespace, name);
    if (found === undefined) throw notFound(resourceNamed(plural), name);
    return found;
  }

  return {
    resourceVersion: () => String(revision),
    find,
    get,
    list(plural, namespace) {
      const prefix = namespace === undefined ? `${plural}/` : `${plural}/${namespace}/`;
      const keys = Array.from(objects.keys()).filter((key) => key.startsWith(prefix));
      return keys.sort().flatMap((key) => objects.get(key) ?? []);
    },
    create(plural, object) {
      const { name = "", namespace, uid = randomUUID() } = object.metadata;
      if (find(plural, namespace, name) !== undefined) throw alreadyExists(resourceNamed(plural), name);
      const creationTimestamp = formatSeconds(clock.now());
      return write("ADDED", plural, { ...object, metadata: { ...object.metadata, uid, creationTimestamp } });
    },
    replace(plural, object) {
      const { name = "", namespace, resourceVersion } = object.metadata;
      const before = get(plural, namespace, name);
      if (resourceVersion && resourceVersion !== before.metadata.resourceVersion) {
        throw conflictError(resourceNamed(plural), name);
      }
      const { uid = "", creationTimestamp = "" } = before.metadata;
      return write("MODIFIED", plural, { ...object, metadata: { ...object.metadata, uid, creationTimestamp } }, before);
    },
    remove(plural, namespace, name) {
      const before = get(plural, namespace, name);
      return write("DELETED", plural, before, before);
    },
    since(resourceVersion) {
      const from = Number(resourceVersion);
      return from < compacted ? undefined : history.filter((event) => event.revision > from);
    },
    onChange,
    compact() {
      history = [];
      compacted = revision;
      epoch += 1;
    },
    get epoch() {
      return epoch;
    },
  };
}

/** A listener that fails is a mistake in the emulator: the request that changed the object reports it. */
function rethrowStoreError(error: unknown): never {
  throw error;
}

/** No name contains "/". */
function storeKey(plural: string, namespace = "", name = ""): string {
  return `${plural}/${namespace}/${name}`;
}
