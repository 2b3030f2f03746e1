// JSON with one text for each value, for keys of caches and for digests.
import { isObject } from "./json-object.ts";

/**
 * Returns the value as JSON with the keys of every object sorted, at every depth: values that are equal apart from the
 * order of their keys have the same text, and values that differ anywhere have different ones. As in JSON.stringify(),
 * a field that is undefined counts as absent.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (isObject(part) ? withSortedKeys(part) : part));
}

function withSortedKeys(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(object).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}
