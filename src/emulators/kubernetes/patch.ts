// The patch formats of the API server: JSON patch (RFC 6902), merge patch (RFC 7386), and kubectl's strategic merge
// patch as far as it is a merge patch: maps are merged, lists are replaced, not merged by name.
import jsonpatch from "jsonpatch";
import { isRecord, type KubeObject } from "./objects.ts";
import { badRequest, StatusError, unsupportedMediaType } from "./status.ts";

const FORMATS = [
  "application/json-patch+json",
  "application/merge-patch+json",
  "application/strategic-merge-patch+json",
] as const;

/** The patched object. Throws 415, 400 (cannot be read) and 422 (cannot be applied, or a `test` failed). */
export function applyPatch(object: KubeObject, patch: unknown, contentType: string): KubeObject {
  switch (contentType) {
    case "application/json-patch+json":
      return applyJsonPatch(object, patch);
    case "application/merge-patch+json":
    case "application/strategic-merge-patch+json":
      if (!isRecord(patch)) throw badRequest("error decoding patch: a merge patch is an object");
      return mergePatch(object, patch) as KubeObject;
    default:
      throw unsupportedMediaType(FORMATS);
  }
}

export function applyJsonPatch(object: KubeObject, patch: unknown): KubeObject {
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: a JSON patch is an array");
  try {
    // The library shares what it did not change, and puts the patch's own values into the result.
    return jsonpatch.apply_patch(object, structuredClone(patch));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new StatusError(422, "Invalid", `the server rejected our request due to an error in our request (${why})`);
  }
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isRecord(patch)) return patch;
  const merged = new Map(Object.entries(isRecord(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    // "$setElementOrder/…" and "$retainKeys" only tell how to merge lists.
    if (key.startsWith("$")) continue;
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}
