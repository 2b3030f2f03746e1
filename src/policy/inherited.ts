// What a pod inherits from its namespace and its ServiceAccount: podrole's own labels and annotations, and nothing
// else. The caches of server and webhook hold no more of these objects, because memory grows with every object of the
// cluster.
import type { NamespaceShare } from "../kubernetes/object-cache.ts";
import type { ObjectMeta } from "../kubernetes/objects.ts";
import { textBytes } from "../runtime/text-bytes.ts";
import { ACCOUNT_ANNOTATIONS, ANNOTATIONS, cutAnnotation, LABELS } from "./annotations.ts";
import type { InheritedAnnotations } from "./model.ts";

/** The part of a namespace or ServiceAccount that decisions read. */
export interface OwnMetadata {
  readonly metadata: Pick<ObjectMeta, "labels" | "annotations">;
}

const READ_LABELS: ReadonlySet<string> = new Set(Object.values(LABELS));
const READ_ANNOTATIONS: ReadonlySet<string> = new Set(Object.values(ANNOTATIONS));
const OF_ACCOUNTS: ReadonlySet<string> = new Set(ACCOUNT_ANNOTATIONS);

/**
 * Selects the annotations that count on a ServiceAccount, for a cache. Unlike namespaces, tenants create these
 * themselves, so a value that is too long is cut.
 */
export function accountMetadata({ metadata }: OwnMetadata): OwnMetadata {
  const own = Object.entries(pickKeys(metadata.annotations, OF_ACCOUNTS) ?? {});
  if (own.length === 0) return NO_METADATA;
  return { metadata: { annotations: Object.fromEntries(own.map(([name, value]) => [name, cutAnnotation(value)])) } };
}

/**
 * How much of one namespace's ServiceAccounts is cached: several thousand with a role each. Tenants may create as many
 * as they like, and write what they like into the annotation.
 */
export const ACCOUNT_SHARE: NamespaceShare<OwnMetadata> = {
  bytesOf: ({ metadata }) => textBytes(Object.values(metadata.annotations ?? {})),
  maxBytes: 4 * 1024 * 1024,
};

/** One object for all of a cluster's ServiceAccounts without an annotation of podrole's. */
const NO_METADATA: OwnMetadata = { metadata: {} };

/** Selects the labels and annotations by podrole's names: the projection of namespaces for a cache. */
export function ownMetadata({ metadata: { labels, annotations } }: OwnMetadata): OwnMetadata {
  const [ownLabels, ownAnnotations] = [pickKeys(labels, READ_LABELS), pickKeys(annotations, READ_ANNOTATIONS)];
  return {
    metadata: { ...(ownLabels && { labels: ownLabels }), ...(ownAnnotations && { annotations: ownAnnotations }) },
  };
}

/**
 * Returns the annotations that a decision reads: the same from a cached and from a live object. An absent object has
 * none.
 */
export function inheritedFrom(
  namespace: OwnMetadata | undefined,
  account: OwnMetadata | undefined,
): InheritedAnnotations {
  return {
    namespaceAnnotations: pickKeys(namespace?.metadata.annotations, READ_ANNOTATIONS) ?? {},
    serviceAccountAnnotations: (account && accountMetadata(account).metadata.annotations) ?? {},
  };
}

function pickKeys(
  map: Record<string, string> | undefined,
  names: ReadonlySet<string>,
): Record<string, string> | undefined {
  const entries = Object.entries(map ?? {}).filter(([name]) => names.has(name));
  return entries.length > 0 ? Object.fromEntries(entries) : undefined;
}
