// Opens the webhook's view of the cluster: watches of namespaces and ServiceAccounts, and live reads of both. The caches
// hold only what plan() reads, because memory grows with every object of the cluster.
import type { Kubernetes } from "../kubernetes/api.ts";
import type { Namespace, ObjectMeta, ServiceAccount } from "../kubernetes/objects.ts";
import { createReflector } from "../kubernetes/reflector.ts";
import { ANNOTATIONS, LABELS } from "../policy/annotations.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import type { ClusterReader, Metadata } from "./lookups.ts";

/** The watches' caches and live reads. */
export interface OpenedCluster extends ClusterReader {
  /** Resolves after the first complete list of namespaces; ServiceAccounts are read live until theirs is complete. */
  readonly ready: Promise<void>;
  /** Milliseconds since the API server last confirmed each cache. */
  ages(): Readonly<Record<"namespaces" | "serviceaccounts", number>>;
}

/** Starts the watches, which `shutdown` ends. Does not wait for the first lists. */
export function openCluster(
  { clock, log, shutdown }: Pick<ProgramDeps, "clock" | "log" | "shutdown">,
  kubernetes: Pick<Kubernetes, "source" | "getNamespace" | "getServiceAccount">,
): OpenedCluster {
  const namespaces = createReflector(
    { source: kubernetes.source<Namespace>("namespaces"), clock, log },
    { project: readMetadata },
  );
  const accounts = createReflector(
    { source: kubernetes.source<ServiceAccount>("serviceaccounts"), clock, log },
    { project: readMetadata },
  );
  shutdown.onClose("watches", () => {
    namespaces.stop();
    accounts.stop();
  });
  return {
    cachedNamespace: (name) => namespaces.get(name),
    cachedServiceAccount: (namespace, name) => accounts.get(`${namespace}/${name}`),
    readNamespace: (name) => kubernetes.getNamespace(name),
    readServiceAccount: (namespace, name) => kubernetes.getServiceAccount(namespace, name),
    ready: namespaces.ready,
    ages: () => ({ namespaces: namespaces.ageMs(), serviceaccounts: accounts.ageMs() }),
  };
}

const READ_LABELS: ReadonlySet<string> = new Set(Object.values(LABELS));
const READ_ANNOTATIONS: ReadonlySet<string> = new Set(Object.values(ANNOTATIONS));

/** Selects the labels and annotations by podrole's names; no other field of these objects matters to a decision. */
function readMetadata({ metadata: { labels, annotations } }: { readonly metadata: ObjectMeta }): Metadata {
  return {
    metadata: { ...pick("labels", labels, READ_LABELS), ...pick("annotations", annotations, READ_ANNOTATIONS) },
  };
}

function pick<Key extends string>(key: Key, map: Record<string, string> | undefined, names: ReadonlySet<string>) {
  const entries = Object.entries(map ?? {}).filter(([name]) => names.has(name));
  return (entries.length > 0 ? { [key]: Object.fromEntries(entries) } : {}) as {
    readonly [K in Key]?: Record<string, string>;
  };
}
