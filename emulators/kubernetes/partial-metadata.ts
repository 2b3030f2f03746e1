// Objects as clients request them: with "as=PartialObjectMetadata" in Accept, the metadata of each and nothing else.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches)
import { isObject } from "../../src/runtime/json-object.ts";

/** How a client receives objects: lists, or single objects and events of watches. */
export type Presentation = (object: object) => object;

const META_VERSION = "meta.k8s.io/v1";

/**
 * Returns how to present the answer to a request with this Accept header. Like the real API server, it sends whole
 * objects if the requested kind does not fit the request and the client also accepts "application/json".
 */
export function presentationOf(accept: string, isList: boolean): Presentation {
  const kind = /;as=(\w+);g=meta\.k8s\.io;v=v1/.exec(accept)?.[1];
  if (isList) return kind === "PartialObjectMetadataList" ? toMetadataList : (list) => list;
  return kind === "PartialObjectMetadata" ? toMetadata : (object) => object;
}

function toMetadata(object: object): object {
  return { kind: "PartialObjectMetadata", apiVersion: META_VERSION, metadata: "metadata" in object && object.metadata };
}

function toMetadataList(list: object): object {
  const { metadata, items } = list as { readonly metadata: object; readonly items: readonly object[] };
  const partial = items.filter(isObject).map(toMetadata);
  return { kind: "PartialObjectMetadataList", apiVersion: META_VERSION, metadata, items: partial };
}
