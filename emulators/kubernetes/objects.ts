// Objects as the emulated API server stores them: any JSON with kind and metadata. They are immutable: a change creates
// a new one.
import type { ObjectMeta } from "../../src/kubernetes/objects.ts";

/** A stored object. */
export interface KubeObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** Returns the value at a dotted path, as a field selector names it; undefined if any part is missing. */
export function fieldAt(object: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (at, key) => (typeof at === "object" && at !== null ? (at as Record<string, unknown>)[key] : undefined),
      object,
    );
}
