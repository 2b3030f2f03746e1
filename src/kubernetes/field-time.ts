// When a field of an object was last set, from metadata.managedFields, which the API server keeps. Pure.
// (https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management)
import { isObject, objectAt } from "../runtime/json-object.ts";
import type { ObjectMeta } from "./objects.ts";

/** The last change of a field by its manager. */
export interface FieldTime {
  /** RFC 3339. */
  readonly at: string;
  /**
   * True if the field was set at that time. False if its manager has set other fields too: it may have set this one
   * earlier.
   */
  readonly isExact: boolean;
}

/**
 * Returns the time of a label or an annotation; undefined if the object does not say. Of several managers that have set
 * it to the same value, the first one counts.
 */
export function fieldTimeOf(
  { managedFields }: ObjectMeta,
  [map, name]: readonly ["labels" | "annotations", string],
): FieldTime | undefined {
  const entries: readonly unknown[] = Array.isArray(managedFields) ? managedFields : [];
  const times = entries.filter(isObject).flatMap(({ time, fieldsV1 }): FieldTime[] => {
    const own = objectAt(objectAt(objectAt(fieldsV1, "f:metadata"), `f:${map}`), `f:${name}`);
    return own === undefined || typeof time !== "string" ? [] : [{ at: time, isExact: countLeaves(fieldsV1) === 1 }];
  });
  return times.toSorted((a, b) => Date.parse(a.at) - Date.parse(b.at))[0];
}

/** Fields without fields of their own; "." stands for the map itself, which has no value. */
function countLeaves(fields: unknown): number {
  if (!isObject(fields)) return 0;
  const children = Object.entries(fields).filter(([name]) => name !== ".");
  return children.length === 0 ? 1 : children.reduce((sum, [, child]) => sum + countLeaves(child), 0);
}
