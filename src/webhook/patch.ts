// The way from the pod under admission to the planned one, as the API server takes it: RFC 6902, one addition for each
// element. No list is ever replaced: what another webhook put there in the meantime would be lost. The patch is applied
// here once, by a library that did not make it, before anybody else applies it.
import { isDeepStrictEqual } from "node:util";
import { apply_patch as applyPatch } from "jsonpatch";
import type { Pod } from "../kubernetes/objects.ts";
import { PodroleError } from "../protocol/errors.ts";
import { isObject } from "../injection/shape.ts";
import { isSameElement } from "../kubernetes/objects.ts";

/** `add` in a list inserts before `path`'s index; `add` of a member that is null takes its place. (RFC 6902 §4.1, §4.3) */
export interface Operation {
  readonly op: "add" | "replace";
  readonly path: string;
  readonly value: unknown;
}

/** Empty when nothing changes. Throws INTERNAL when the patch does not lead from `before` to `after`. */
export function patchBetween(before: Pod, after: Pod): readonly Operation[] {
  const operations = difference(before, after, "");
  if (!isDeepStrictEqual(tryPatch(before, operations), after)) throw broken();
  return operations;
}

function tryPatch(before: Pod, operations: readonly Operation[]): unknown {
  try {
    return applyPatch(before, [...operations]);
  } catch (error) {
    throw broken(error);
  }
}

function broken(cause?: unknown): PodroleError {
  const message = "Cannot patch the pod: the patch does not lead to the planned pod, wanted exactly that";
  return new PodroleError("INTERNAL", message, { cause });
}

/** Operations at `path`; they are meant to be applied in order. Nothing that stands in `before` is taken away. */
function difference(before: unknown, after: unknown, path: string): readonly Operation[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) return insertions(before, after, path);
  if (isObject(before) && isObject(after)) {
    return Object.keys(after).flatMap((key) => {
      const at = `${path}/${escape(key)}`;
      const present = Object.hasOwn(before, key) ? before[key] : undefined;
      return present === undefined || (present === null && after[key] !== null)
        ? [{ op: "add" as const, path: at, value: after[key] }]
        : difference(present, after[key], at);
    });
  }
  return isDeepStrictEqual(before, after) ? [] : [{ op: "replace", path, value: after }];
}

/** Walks both lists side by side: an element of `after` is the next one of `before`, or is new. */
function insertions(before: readonly unknown[], after: readonly unknown[], path: string): readonly Operation[] {
  const operations: Operation[] = [];
  let next = 0;
  for (const [index, element] of after.entries()) {
    if (next < before.length && isSameElement(before[next], element)) {
      operations.push(...difference(before[next], element, `${path}/${index}`));
      next++;
    } else {
      operations.push({ op: "add", path: `${path}/${index}`, value: element });
    }
  }
  // An element that is left over was dropped or moved, which injection never does.
  if (next < before.length) throw broken();
  return operations;
}

/** A member's name inside a JSON Pointer. (RFC 6901 §3) */
function escape(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
