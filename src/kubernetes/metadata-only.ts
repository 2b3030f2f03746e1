// Objects of which podrole's programs read the metadata alone: the API server leaves out the rest, whose size tenants
// choose.
// (https://kubernetes.io/docs/reference/using-api/api-concepts/#metadata-only-fetches)
import type { Resource } from "./api.ts";

/** Their spec and other fields decide nothing. */
const READ_BY_METADATA: ReadonlySet<Resource> = new Set(["namespaces", "serviceaccounts"]);

/** Reports whether podrole's programs read only the metadata of these objects. */
export function isReadByMetadata(resource: Resource): boolean {
  return READ_BY_METADATA.has(resource);
}

const acceptAs = (kind: string) => `application/json;as=${kind};g=meta.k8s.io;v=v1,application/json`;

/** `Accept` of a request for one object, and of a watch. An API server that cannot select sends whole objects. */
export const ACCEPT_METADATA = acceptAs("PartialObjectMetadata");
/** `Accept` of a list. */
export const ACCEPT_METADATA_LIST = acceptAs("PartialObjectMetadataList");
