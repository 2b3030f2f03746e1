// Edits the pods of manifests and leaves every other byte of the text as it is: comments, order, quotes, numbers,
// documents without pods. A document is read again after its edit, and written anew only if the edit cannot be made in
// its text.
import type { Pod } from "../../kubernetes/objects.ts";
import { isObject, parseJson } from "../../runtime/json-object.ts";
import { blockLines, jsonLines } from "./render.ts";
import { isSameValue } from "./same-value.ts";
import { parseDocument, type SourceNode, splitDocuments } from "./source-tree.ts";
import { hasKept, splice } from "./splice.ts";
import { templatesOf } from "./templates.ts";

/** An object that is or makes a pod; items of a List are objects of their own. */
export interface PodMaker {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly pod: Pod;
}

/** Returns the edited pod, or the given one if nothing changes. */
export type PodEdit = (maker: PodMaker) => Pod;

/** Edits every pod of the text. The text must be one that parseObjects() accepts; any other is returned as it is. */
export function editManifests(text: string, edit: PodEdit): string {
  return splitDocuments(text)
    .map((document) => editDocument(document, edit))
    .join("");
}

function editDocument(text: string, edit: PodEdit): string {
  const read = parseDocument(text);
  if (!read.ok || read.value === undefined) return text;
  const edited = editObject(read.value.value, edit);
  if (edited === read.value.value) return text;
  const after = definedOnly(edited);
  return spliceText(text, read.value, after) ?? rewriteText(text, read.value, after);
}

/** Undefined if the text, read again, would not have the value. */
function spliceText(text: string, root: SourceNode, after: unknown): string | undefined {
  const format = isJson(text) ? "json" : "yaml";
  const attempts = hasKept(text) ? [true, false] : [false];
  return attempts
    .map((restore) => splice(text, root, after, { format, restore }))
    .find((result) => result !== undefined && hasValue(result, after));
}

function hasValue(text: string, expected: unknown): boolean {
  const read = parseDocument(text);
  return read.ok && read.value !== undefined && isSameValue(read.value.value, expected);
}

function rewriteText(text: string, root: SourceNode, after: unknown): string {
  const rendered = isJson(text) ? jsonLines(after, 0) : `${blockLines(after as object, 0, true)}\n`;
  return `${text.slice(0, root.start)}${rendered}${text.slice(root.end)}`;
}

/** JSON input produces JSON output: the next program of a pipeline may accept nothing else. */
function isJson(text: string): boolean {
  return text.trimStart().startsWith("{") && parseJson(text) !== undefined;
}

/** Without fields whose value is undefined, which no text has. */
function definedOnly(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Returns the same object if nothing changed. */
function editObject(object: unknown, edit: PodEdit): unknown {
  if (!isObject(object)) return object;
  const { kind, items } = object;
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(items)) {
    const ofItems = kind === "List" ? undefined : kind.slice(0, -"List".length);
    const edited = items.map((item: unknown) => editItem(item, ofItems, edit));
    return edited.every((item, index) => item === items[index]) ? object : { ...object, items: edited };
  }
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  const { name = "", namespace = "default" } = metadata as { name?: string; namespace?: string };
  const templates = templatesOf(object);
  let edited: unknown = object;
  for (const { pod, path, unwrap } of templates) {
    // A reader tells several templates of one object apart by their places.
    const called = templates.length > 1 ? `${name} (${path.join(".")})` : name;
    const after = edit({ kind: String(kind), name: called, namespace, pod });
    if (after !== pod) edited = path.length === 0 ? after : setAt(edited, path, unwrap(after));
  }
  return edited;
}

/** Items of a PodList have no kind, and none is added. */
function editItem(item: unknown, kind: string | undefined, edit: PodEdit): unknown {
  if (kind === undefined || !isObject(item) || item["kind"] !== undefined) return editObject(item, edit);
  const named = { ...item, kind };
  const edited = editObject(named, edit);
  if (edited === named || !isObject(edited)) return item;
  const { kind: _kind, ...rest } = edited;
  return rest;
}

/** Merges `value` into the object at the path: a template keeps fields that a pod does not have. */
function setAt(object: unknown, [key, ...rest]: readonly (string | number)[], value: object): unknown {
  if (key === undefined) return { ...(object as object), ...value };
  if (Array.isArray(object)) return object.map((item, index) => (index === key ? setAt(item, rest, value) : item));
  const fields = object as Record<string, unknown>;
  return { ...fields, [key]: setAt(fields[key], rest, value) };
}
