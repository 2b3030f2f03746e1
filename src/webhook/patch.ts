// JSON Patches (RFC 6902) for the pod under admission. One injects: an addition for each element, a move of podrole's
// own container if another webhook has put one before it, and a replacement of that container if it is of another
// installation or has something to lose. If a container gets several variables, the whole list of them is sent, unless
// it is long: what a patch costs here and in the API server grows with its operations. Nothing is lost by that, because
// the API server calls webhooks one after the other and applies the patch to the very pod that it sent, and a list that
// lacks what that pod has is never sent. Lists of containers have numbers, which JavaScript may round, so they are not.
// The other patch takes podrole out: it replaces or removes the fields in which injection leaves something.
// Before a patch is returned, an independent library applies it and the result is compared with the planned pod.
// (https://github.com/kubernetes/apiserver/blob/v0.34.0/pkg/admission/plugin/webhook/mutating/dispatcher.go)
import { apply_patch as applyPatch } from "jsonpatch";
import { isSameElement, type Pod } from "../kubernetes/objects.ts";
import { OWN_CONTAINERS } from "../policy/facts.ts";
import { PodroleError } from "../protocol/errors.ts";
import { isObject, isSameJson } from "../runtime/json-object.ts";

/** In a list, `add` inserts before the index; `add` of an existing member replaces it. (RFC 6902 §4.1, §4.3, §4.4) */
export interface Operation {
  readonly op: "add" | "replace" | "move" | "remove";
  readonly path: string;
  /** Of an addition or a replacement. */
  readonly value?: unknown;
  /** Path of the element that a move takes away. */
  readonly from?: string;
}

/** Returns the text of a patch as it is sent; undefined for one without operations. */
export function patchText(operations: readonly Operation[]): string | undefined {
  return operations.length === 0 ? undefined : JSON.stringify(operations);
}

/** Returns no operation when nothing changes. Throws INTERNAL when the patch does not lead from `before` to `after`. */
export function patchBetween(before: Pod, after: Pod): readonly Operation[] {
  const operations = findDifference(before, after, "");
  if (!isSameJson(applyOperations(before, operations), after)) throw wrongPatch();
  return operations;
}

/** The fields of a pod in which injection leaves something. */
const INJECTED_FIELDS: readonly (readonly ["metadata" | "spec", string])[] = [
  ["metadata", "labels"],
  ["metadata", "annotations"],
  ["spec", "initContainers"],
  ["spec", "containers"],
  ["spec", "volumes"],
  ["spec", "imagePullSecrets"],
];

/**
 * Returns the operations that take podrole out of a pod: whole fields, each replaced or removed. Throws INTERNAL when
 * they do not lead from `before` to `after`.
 */
export function removalPatch(before: Pod, after: Pod): readonly Operation[] {
  const operations = INJECTED_FIELDS.flatMap(([part, field]): Operation[] => {
    const [present, value] = [before[part][field], after[part][field]];
    const path = `/${part}/${field}`;
    if (isSameJson(present, value)) return [];
    return value === undefined ? [{ op: "remove", path }] : [{ op: "replace", path, value }];
  });
  if (!isSameJson(applyOperations(before, operations), after)) throw wrongPatch();
  return operations;
}

function applyOperations(before: Pod, operations: readonly Operation[]): unknown {
  try {
    return applyPatch(before, [...operations]);
  } catch (error) {
    throw wrongPatch(error);
  }
}

function wrongPatch(cause?: unknown): PodroleError {
  const message = "Cannot patch the pod: applying the patch does not produce the planned pod";
  return new PodroleError("INTERNAL", message, { cause });
}

/**
 * Returns the operations at `path`, to be applied in order. They remove nothing that `before` contains. What the
 * planned pod shares with the given one, which is most of it, is neither read nor named.
 */
function findDifference(before: unknown, after: unknown, path: string): readonly Operation[] {
  if (before === after) return [];
  if (Array.isArray(before) && Array.isArray(after)) return findInsertions(before, after, path);
  if (isObject(before) && isObject(after)) {
    return Object.keys(after).flatMap((key) => {
      const present = Object.hasOwn(before, key) ? before[key] : undefined;
      if (present !== undefined && present === after[key]) return [];
      const at = `${path}/${escapePointer(key)}`;
      return present === undefined || (present === null && after[key] !== null)
        ? [{ op: "add" as const, path: at, value: after[key] }]
        : findDifference(present, after[key], at);
    });
  }
  return isSameJson(before, after) ? [] : [{ op: "replace", path, value: after }];
}

/** Walks both lists in parallel: an element of `after` is either the next one of `before` or new. */
function findInsertions(given: readonly unknown[], after: readonly unknown[], path: string): readonly Operation[] {
  const { moves, moved: before } = moveOwn(given, after, path);
  const operations: Operation[] = [...moves];
  let next = 0;
  for (const [index, element] of after.entries()) {
    if (next < before.length && isSameElement(before[next], element)) {
      operations.push(...findElementDifference(before[next], element, path, index));
      next++;
    } else {
      operations.push({ op: "add", path: `${path}/${index}`, value: element });
    }
  }
  // A remaining element was dropped, or moved although it is not podrole's: injection does neither.
  if (next < before.length) throw wrongPatch();
  const isSentWhole = operations.length > 1 && VARIABLES_PATH.test(path) && textLength(before) <= MAX_SENT_AGAIN;
  return isSentWhole ? [{ op: "replace", path, value: after }] : operations;
}

/** In characters, of the variables of one container. Those of nearly all containers are shorter. */
const MAX_SENT_AGAIN = 4 * 1024;

/** The approximate length of a list's elements as JSON. */
function textLength(elements: readonly unknown[]): number {
  const lengthOf = (part: unknown) => (typeof part === "string" ? part.length : (JSON.stringify(part) ?? "").length);
  const parts = elements.flatMap((element) => (isObject(element) ? Object.values(element) : [element]));
  return parts.reduce<number>((sum, part) => sum + lengthOf(part), 0);
}

/** One of podrole's own containers is replaced if additions alone do not lead to it. */
function findElementDifference(before: unknown, after: unknown, path: string, index: number): readonly Operation[] {
  if (before === after) return [];
  const at = `${path}/${index}`;
  if (!CONTAINER_LISTS.has(path) || !OWN_NAMES.has(elementName(after))) return findDifference(before, after, at);
  if (isSameJson(before, after)) return [];
  const isReached = isReachedByAdditions(before, after);
  return isReached ? findDifference(before, after, at) : [{ op: "replace", path: at, value: after }];
}

/** True if `after` has everything of `before`, in the same order. */
function isReachedByAdditions(before: unknown, after: unknown): boolean {
  if (Array.isArray(before) && Array.isArray(after)) {
    let next = 0;
    for (const element of after) {
      if (next < before.length && isSameElement(before[next], element) && isReachedByAdditions(before[next], element))
        next++;
    }
    return next === before.length;
  }
  if (isObject(before) && isObject(after))
    return Object.keys(before).every((key) => key in after && isReachedByAdditions(before[key], after[key]));
  return true;
}

const OWN_NAMES: ReadonlySet<unknown> = new Set(Object.values(OWN_CONTAINERS));
const VARIABLES_PATH = /^\/spec\/(?:initContainers|containers)\/\d+\/env$/;
const CONTAINER_LISTS: ReadonlySet<string> = new Set(["/spec/initContainers", "/spec/containers"]);

/** Moves podrole's containers to their places among the other containers of `before`. */
function moveOwn(before: readonly unknown[], after: readonly unknown[], path: string) {
  const moves: Operation[] = [];
  let moved = before;
  if (!CONTAINER_LISTS.has(path) || !before.some((element) => OWN_NAMES.has(elementName(element)))) {
    return { moves, moved };
  }
  const places = placesByName(after);
  for (const name of Object.values(OWN_CONTAINERS)) {
    const from = moved.findIndex((element) => elementName(element) === name);
    const place = places.get(name);
    if (from < 0 || place === undefined) continue;
    const own = moved[from];
    const precedes = (element: unknown) => (places.get(elementName(element)) ?? place) < place;
    const to = moved.filter(precedes).length;
    if (from === to) continue;
    moves.push({ op: "move", from: `${path}/${from}`, path: `${path}/${to}` });
    moved = moved.toSpliced(from, 1).toSpliced(to, 0, own);
  }
  return { moves, moved };
}

/** Name → index of the first container with it. */
function placesByName(containers: readonly unknown[]): ReadonlyMap<unknown, number> {
  return new Map(containers.map((container, index) => [elementName(container), index] as const).toReversed());
}

function elementName(element: unknown): unknown {
  return isObject(element) ? element["name"] : undefined;
}

/** Escapes a member's name for a JSON Pointer. (RFC 6901 §3) */
function escapePointer(key: string): string {
  return key.replaceAll("~", "~0").replaceAll("/", "~1");
}
