// Reads Kubernetes objects from files and from `kubectl get … -o yaml|json`: several documents, nested lists, elements
// with or without a kind. Values that are not Kubernetes objects are reported as problems.
import type { ObjectMeta } from "../../kubernetes/objects.ts";
import { isObject } from "../../runtime/json-object.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { isTooDeep, parseDocument, splitDocuments, TOO_DEEP } from "./source-tree.ts";
import { withoutNulls } from "./without-nulls.ts";

/** An object with its kind and metadata; the other fields have any shape. */
export interface KubernetesObject {
  readonly kind: string;
  readonly metadata: ObjectMeta;
  readonly [field: string]: unknown;
}

/** The namespace of a namespaced object; manifests may omit it. */
export function namespaceOf({ metadata }: { readonly metadata: ObjectMeta }): string {
  return metadata.namespace ?? "default";
}

/** A text of manifests, and the name by which problems refer to it: a file, or "standard input". */
export interface NamedText {
  readonly text: string;
  readonly origin: string;
}

/** The objects of a text, and what in it is none. */
export interface ParsedObjects {
  readonly objects: readonly KubernetesObject[];
  /** One sentence each, beginning with `origin`. */
  readonly problems: readonly string[];
}

/** Reads all objects; `origin` names the text in problems: a file, or "standard input". Never throws. */
export function parseObjects(text: string, origin: string): ParsedObjects {
  const read = parseYamlOrJson(text);
  if (!read.ok) return { objects: [], problems: [`${origin}: ${read.problem}`] };
  const parsed = read.value.flatMap((document, index) =>
    flattenLists(document, undefined, `${origin}, document ${index + 1}`),
  );
  return {
    objects: parsed.filter((each) => typeof each !== "string"),
    problems: parsed.filter((each) => typeof each === "string"),
  };
}

/** JSON is parsed as JSON: for the export of a large cluster, the YAML parser would take minutes. */
function parseYamlOrJson(text: string): Result<readonly unknown[]> {
  if (text.trimStart().startsWith("{")) {
    try {
      const value: unknown = JSON.parse(text);
      return isTooDeep(value) ? failure(`it cannot be read: ${TOO_DEEP}`) : success([value]);
    } catch {
      // YAML may begin with "{" too, and its parser reports the position of the error.
    }
  }
  const documents: unknown[] = [];
  for (const document of splitDocuments(text)) {
    const read = parseDocument(document);
    if (!read.ok) return read;
    documents.push(read.value?.value);
  }
  return success(documents);
}

function flattenLists(
  value: unknown,
  kindOfList: string | undefined,
  place: string,
): readonly (KubernetesObject | string)[] {
  if (value === null || value === undefined) return [];
  if (!isObject(value)) return [`${place}: it is not an object; expected one of Kubernetes`];
  const kind = typeof value["kind"] === "string" ? value["kind"] : kindOfList;
  if (kind === undefined) return [`${place}: it has no kind; expected an object of Kubernetes`];
  if (kind.endsWith("List") && Array.isArray(value["items"])) {
    // Elements of a PodList have no kind; elements of a List do.
    const inner = kind === "List" ? undefined : kind.slice(0, -"List".length);
    return value["items"].flatMap((item, index) => flattenLists(item, inner, `${place}, item ${index + 1}`));
  }
  const metadata = isObject(value["metadata"]) ? (withoutNulls(value["metadata"]) as ObjectMeta) : {};
  return [{ ...value, kind, metadata }];
}
