// Edits the pods of manifests and preserves everything else of the text: comments, order, quotes. Changes are merged into the
// parsed text node by node. Only a text with anchors is serialised again, because an anchored node appears in several places
// and must not change in all of them.
import { isDeepStrictEqual } from "node:util";
import { type Document, isAlias, isMap, isNode, isScalar, isSeq, type Node, parseAllDocuments, visit } from "yaml";
import type { Pod } from "../../kubernetes/objects.ts";
import { isSameElement } from "../../kubernetes/objects.ts";
import { isObject, parseJson } from "../../runtime/json-object.ts";
import { templateOf } from "./templates.ts";

/** An object that is or makes a pod; items of a List are objects of their own. */
export interface PodMaker {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly pod: Pod;
}

/** Returns the edited pod, or the given one if nothing changes. */
export type Edit = (maker: PodMaker) => Pod;

/** Edits every pod of the text. The text must be one that parseObjects() accepts; otherwise errors of the YAML parser are thrown. */
export function editManifests(text: string, edit: Edit): string {
  const json = readJson(text);
  if (json !== undefined) return `${JSON.stringify(editObject(json, edit), null, 2)}\n`;
  const documents = parseAllDocuments(text, { merge: true }).filter((document) => !isEmpty(document));
  for (const [index, document] of documents.entries()) {
    const before: unknown = document.toJS();
    const after = editObject(before, edit);
    if (after !== before) rewrite(document, after);
    if (index > 0 && document.directives) document.directives.docStart = true;
  }
  return documents.map((document) => document.toString({ lineWidth: 0 })).join("");
}

/** `---` followed by nothing, which kubectl skips. */
function isEmpty(document: Document.Parsed): boolean {
  return document.toJS() === null && !document.comment && !document.commentBefore;
}

/** JSON input produces JSON output: the next program of a pipeline may accept nothing else. */
function readJson(text: string): unknown {
  return text.trimStart().startsWith("{") ? parseJson(text) : undefined;
}

/** Returns the same object if nothing changed. */
function editObject(object: unknown, edit: Edit): unknown {
  if (!isObject(object)) return object;
  const { kind, items } = object;
  if (typeof kind === "string" && kind.endsWith("List") && Array.isArray(items)) {
    const ofItems = kind === "List" ? undefined : kind.slice(0, -"List".length);
    const edited = items.map((item: unknown) => editItem(item, ofItems, edit));
    return edited.every((item, index) => item === items[index]) ? object : { ...object, items: edited };
  }
  const template = templateOf(object);
  if (!template) return object;
  const metadata = isObject(object["metadata"]) ? object["metadata"] : {};
  const { name = "", namespace = "default" } = metadata as { name?: string; namespace?: string };
  const after = edit({ kind: String(kind), name, namespace, pod: template.pod });
  if (after === template.pod) return object;
  return template.path.length === 0 ? after : setAt(object, template.path, template.unwrap(after));
}

/** Items of a PodList have no kind, and none is added. */
function editItem(item: unknown, kind: string | undefined, edit: Edit): unknown {
  if (kind === undefined || !isObject(item) || item["kind"] !== undefined) return editObject(item, edit);
  const named = { ...item, kind };
  const edited = editObject(named, edit);
  if (edited === named || !isObject(edited)) return item;
  const { kind: _kind, ...rest } = edited;
  return rest;
}

/** Merges `value` into the object at the path: a template keeps fields that a pod does not have. */
function setAt(object: unknown, [key, ...rest]: readonly string[], value: object): unknown {
  if (key === undefined) return { ...(object as object), ...value };
  const fields = object as Record<string, unknown>;
  return { ...fields, [key]: setAt(fields[key], rest, value) };
}

function rewrite(document: Document.Parsed, after: unknown): void {
  let hasAnchors = false;
  visit(document, {
    Alias() {
      hasAnchors = true;
      return visit.BREAK;
    },
  });
  const contents = hasAnchors ? makeNode(document, after) : merge(document, document.contents, after);
  document.contents = contents as typeof document.contents;
}

/** Changes `node` to the value `after`; returns a new node if nothing of it can be kept. */
function merge(document: Document, node: unknown, after: unknown): unknown {
  if (isAlias(node)) return makeNode(document, after);
  if (isMap(node) && isObject(after)) {
    for (const { key } of [...node.items]) if (!(keyOf(key) in after)) node.delete(key);
    for (const [key, value] of Object.entries(after)) {
      if (value === undefined) continue;
      const present: unknown = node.get(key, true);
      const next = present === undefined ? makeNode(document, value) : merge(document, present, value);
      if (next !== present) node.set(key, next);
    }
    return node;
  }
  if (isSeq(node) && Array.isArray(after)) {
    const left = [...node.items];
    const [first] = left;
    node.items = after.map((value: unknown) => {
      const at = left.findIndex((item) => isSameElement(toJs(document, item), value));
      return at < 0 ? makeNode(document, value) : merge(document, left.splice(at, 1)[0], value);
    });
    // The parser attaches the comment above the first element to the list: move it to the element.
    if (node.commentBefore && isNode(first) && node.items[0] !== first) {
      first.commentBefore = node.commentBefore;
      node.commentBefore = null;
    }
    return node;
  }
  return isDeepStrictEqual(toJs(document, node), after) ? node : makeNode(document, after);
}

function keyOf(key: unknown): string {
  return String(isScalar(key) ? key.value : key);
}

function toJs(document: Document, node: unknown): unknown {
  return isObject(node) && "toJS" in node ? (node as unknown as Node).toJS(document) : node;
}

function makeNode(document: Document, value: unknown): Node {
  return document.createNode(value, { aliasDuplicateObjects: false }) as Node;
}
