// A field that is null in a manifest, such as an empty `annotations:`, is absent: so Kubernetes decodes every field
// that podrole reads.
import { isObject } from "../../runtime/json-object.ts";

/** Returns the value without the fields that are null, at any depth; the value itself if there are none. */
export function withoutNulls<Value>(value: Value): Value {
  return stripNulls(value) as Value;
}

function stripNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map(stripNulls);
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value);
  const kept = entries.filter(([, inner]) => inner !== null).map(([key, inner]) => [key, stripNulls(inner)] as const);
  const isSame = kept.length === entries.length && kept.every(([key, inner]) => inner === value[key]);
  return isSame ? value : Object.fromEntries(kept);
}
