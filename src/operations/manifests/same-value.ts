// When two values of a manifest mean the same to Kubernetes.
import { isDeepStrictEqual } from "#platform";
import { isSameElement } from "../../kubernetes/objects.ts";
import { isObject } from "../../runtime/json-object.ts";

/** Fields that injection creates. Absent, null and empty, they mean the same. */
const OPTIONAL_FIELDS = new Set([
  ...["metadata", "labels", "annotations", "initContainers", "containers", "env", "volumeMounts", "volumes"],
]);

/** True for a field that may be empty instead of absent. */
export function isOptionalField(key: string): boolean {
  return OPTIONAL_FIELDS.has(key);
}

/** True if both values mean the same: null is absent, and so are optional fields that are empty. */
export function isSameValue(before: unknown, after: unknown): boolean {
  return before === after || isDeepStrictEqual(normalizeValue(before), normalizeValue(after));
}

/** True for a list or an object without elements. */
export function isEmptyCollection(value: unknown): boolean {
  return Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

function normalizeValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalizeValue);
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, normalizeValue(inner)] as const);
  return Object.fromEntries(
    entries.filter(
      ([key, inner]) =>
        inner !== null && inner !== undefined && !(OPTIONAL_FIELDS.has(key) && isEmptyCollection(inner)),
    ),
  );
}

/**
 * The i-th entry is the index of the element of `before` that the i-th one of `after` replaces; undefined: it is new.
 * Elements without a name, such as those of a List, are told apart by their place, if none was added or removed.
 */
export function alignLists(before: readonly unknown[], after: readonly unknown[]): readonly (number | undefined)[] {
  let from = 0;
  return after.map((value, place) => {
    const isSame = (element: unknown, index: number) =>
      index >= from &&
      (isSameElement(element, value) ||
        isSameValue(element, value) ||
        (before.length === after.length && index === place && isUnnamed(element) && isUnnamed(value)));
    const at = before.findIndex(isSame);
    if (at < 0) return undefined;
    from = at + 1;
    return at;
  });
}

function isUnnamed(value: unknown): boolean {
  return isObject(value) && !Object.hasOwn(value, "name");
}
