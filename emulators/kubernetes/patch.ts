// The patch formats of the API server: JSON patch (RFC 6902), merge patch (RFC 7386), and the subset of kubectl's
// strategic merge patch that equals a merge patch: maps are merged; lists are replaced, not merged by name. JSON
// patches follow the RFC strictly, while the real API server accepts "remove" and "replace" of a missing key.
import jsonpatch from "jsonpatch";
import { isObject } from "../../src/runtime/json-object.ts";
import type { KubeObject } from "./objects.ts";
import { badRequest, StatusError } from "./status.ts";

/** Returns the patched object. Throws 415, 400 (cannot be parsed) and 422 (cannot be applied, or a `test` failed). */
export function applyPatch(object: KubeObject, patch: unknown, contentType: string): KubeObject {
  switch (contentType) {
    case "application/json-patch+json":
      try {
        return applyJsonPatch(object, patch);
      } catch (error) {
        if (!(error instanceof PatchError)) throw error;
        throw new StatusError(422, "Invalid", "the server rejected our request due to an error in our request");
      }
    case "application/merge-patch+json":
    case "application/strategic-merge-patch+json":
      if (!isObject(patch)) throw badRequest("error decoding patch: a merge patch is an object");
      return mergePatch(object, patch) as KubeObject;
    default:
      throw new StatusError(415, "UnsupportedMediaType", "415: Unsupported Media Type");
  }
}

/** A JSON patch that does not fit the object, with the library's message. */
export class PatchError extends Error {
  override readonly name = "PatchError";
}

/** Throws BadRequest for anything that is not a patch, and PatchError for a patch that does not fit the object. */
export function applyJsonPatch(object: KubeObject, patch: unknown): KubeObject {
  if (!Array.isArray(patch)) throw badRequest("error decoding patch: a JSON patch is an array");
  try {
    // The library shares unchanged parts and inserts the patch's own values into the result.
    return jsonpatch.apply_patch(object, structuredClone(patch));
  } catch (error) {
    throw new PatchError(error instanceof Error ? error.message : String(error));
  }
}

function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged = new Map(Object.entries(isObject(target) ? target : {}));
  for (const [key, value] of Object.entries(patch)) {
    // "$setElementOrder/…" and "$retainKeys" only control how lists are merged.
    if (key.startsWith("$")) continue;
    if (value === null) merged.delete(key);
    else merged.set(key, mergePatch(merged.get(key), value));
  }
  return Object.fromEntries(merged);
}
