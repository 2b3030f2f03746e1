// The emulator's etcd: objects by resource and key, one counter of resource versions, and a bounded history from which
// watches resume. A watch that asks for a version older than the history is told 410, as the real one is.
import { randomUUID } from "node:crypto";
import type { ObjectMeta } from "../../kubernetes/objects.ts";

export interface KubeObject {
  apiVersion?: string;
  kind?: string;
  metadata: ObjectMeta;
  [field: string]: unknown;
}

export interface Change {
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly resource: string;
  readonly object: KubeObject;
  readonly version: number;
}

/** An API error as the real server words it (metav1.Status). */
export class StatusError extends RangeError {
  readonly code: number;
  readonly reason: string;
  constructor(code: number, reason: string, message: string) {
    super(message);
    this.code = code;
    this.reason = reason;
  }
}

const HISTORY = 1_000;

export interface Store {
  readonly version: number;
  get(resource: string, namespace: string | undefined, name: string): KubeObject;
  find(resource: string, namespace: string | undefined, name: string): KubeObject | undefined;
  list(resource: string, namespace: string | undefined): readonly KubeObject[];
  create(resource: string, object: KubeObject): KubeObject;
  /** Refuses a stale resourceVersion; none at all overwrites. */
  replace(resource: string, object: KubeObject): KubeObject;
  remove(resource: string, namespace: string | undefined, name: string): KubeObject;
  /** Changes after `version`; undefined when the history does not reach that far. */
  since(version: number): readonly Change[] | undefined;
  onChange(listener: (change: Change) => void): () => void;
}

export function createStore(now: () => number): Store {
  const objects = new Map<string, KubeObject>();
  const history: Change[] = [];
  const listeners = new Set<(change: Change) => void>();
  let version = 1;

  const keyOf = (resource: string, namespace: string | undefined, name: string) =>
    [resource, namespace ?? "", name].join("\0");

  function put(type: Change["type"], resource: string, object: KubeObject): KubeObject {
    version += 1;
    object.metadata.resourceVersion = String(version);
    const key = keyOf(resource, object.metadata.namespace, object.metadata.name ?? "");
    if (type === "DELETED") objects.delete(key);
    else objects.set(key, object);
    const change = { type, resource, object: structuredClone(object), version };
    history.push(change);
    if (history.length > HISTORY) history.shift();
    for (const listener of listeners) listener(change);
    return structuredClone(object);
  }

  const find: Store["find"] = (resource, namespace, name) => {
    const object = objects.get(keyOf(resource, namespace, name));
    return object && structuredClone(object);
  };

  const get: Store["get"] = (resource, namespace, name) => {
    const object = find(resource, namespace, name);
    if (object === undefined) throw new StatusError(404, "NotFound", `${resource} "${name}" not found`);
    return object;
  };

  return {
    get version() {
      return version;
    },
    get,
    find,
    list: (resource, namespace) =>
      [...objects]
        .filter(
          ([key, { metadata }]) =>
            key.startsWith(`${resource}\0`) && (namespace === undefined || metadata.namespace === namespace),
        )
        .map(([, object]) => structuredClone(object)),
    create(resource, given) {
      const object = structuredClone(given);
      const { metadata } = object;
      metadata.name ??= `${metadata.generateName ?? ""}${randomUUID().slice(-5)}`;
      if (find(resource, metadata.namespace, metadata.name)) {
        throw new StatusError(409, "AlreadyExists", `${resource} "${metadata.name}" already exists`);
      }
      metadata.uid = randomUUID();
      metadata["creationTimestamp"] = new Date(now()).toISOString().replace(/\.\d+/, "");
      return put("ADDED", resource, object);
    },
    replace(resource, given) {
      const object = structuredClone(given);
      const held = get(resource, object.metadata.namespace, object.metadata.name ?? "");
      const asked = object.metadata.resourceVersion;
      if (asked && asked !== held.metadata.resourceVersion) {
        throw new StatusError(
          409,
          "Conflict",
          `Operation cannot be fulfilled on ${resource} "${object.metadata.name}": the object has been modified; please apply your changes to the latest version and try again`,
        );
      }
      object.metadata.uid = held.metadata.uid as string;
      return put("MODIFIED", resource, object);
    },
    remove: (resource, namespace, name) => put("DELETED", resource, get(resource, namespace, name)),
    since(from) {
      const [oldest] = history;
      if (oldest && from < oldest.version - 1) return undefined;
      return history.filter((change) => change.version > from);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** metadata.name, metadata.namespace and labels, as in `a=b,c`. */
export function selects(query: URLSearchParams, { metadata }: KubeObject): boolean {
  const clauses = (name: string) => (query.get(name) ?? "").split(",").filter((clause) => clause !== "");
  const labels = metadata.labels ?? {};
  return (
    clauses("labelSelector").every((clause) => {
      const [key = "", value] = clause.split(/==?/);
      return value === undefined ? key in labels : labels[key] === value;
    }) &&
    clauses("fieldSelector").every((clause) => {
      const [path = "", value] = clause.split(/==?/);
      return metadata[path.replace(/^metadata\./, "")] === value;
    })
  );
}
