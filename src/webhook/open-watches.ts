// Opens the webhook's view of the cluster: watches of namespaces, ServiceAccounts, LimitRanges and ResourceQuotas, and
// live reads of them.
import type { Kubernetes } from "../kubernetes/api.ts";
import type { Namespace, ServiceAccount } from "../kubernetes/objects.ts";
import { startReflector } from "../kubernetes/reflector.ts";
import { ACCOUNT_SHARE, accountMetadata, ownMetadata } from "../policy/inherited.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import { startLimitsWatch } from "./limits-watch.ts";
import type { ClusterReader } from "./lookups.ts";

/** The watches' caches and live reads. */
export interface OpenedWatches extends ClusterReader {
  /** Resolves after the first complete list of namespaces; ServiceAccounts are read live until theirs is complete. */
  readonly ready: Promise<void>;
  /** Milliseconds since the API server last confirmed each cache. */
  ages(): Readonly<Record<"namespaces" | "serviceaccounts" | "limitranges" | "resourcequotas", number>>;
}

/** Starts the watches, which `shutdown` ends. Does not wait for the first lists. */
export function openWatches(
  { clock, log, shutdown }: Pick<ProgramDeps, "clock" | "log" | "shutdown">,
  kubernetes: Pick<Kubernetes, "source" | "getNamespace" | "getServiceAccount">,
): OpenedWatches {
  const namespaces = startReflector(
    { source: kubernetes.source<Namespace>("namespaces"), clock, log },
    { project: ownMetadata },
  );
  const accounts = startReflector(
    { source: kubernetes.source<ServiceAccount>("serviceaccounts"), clock, log },
    { project: accountMetadata, share: ACCOUNT_SHARE },
  );
  const limits = startLimitsWatch({ clock, log }, kubernetes);
  shutdown.onClose("watches", () => {
    namespaces.stop();
    accounts.stop();
    limits.stop();
  });
  return {
    cachedNamespace: (name) => namespaces.get(name),
    cachedServiceAccount: (namespace, name) => accounts.get(`${namespace}/${name}`),
    readNamespace: (name) => kubernetes.getNamespace(name),
    readServiceAccount: (namespace, name) => kubernetes.getServiceAccount(namespace, name),
    cachedLimits: (namespace) => limits.cached(namespace),
    readLimits: (namespace) => limits.read(namespace),
    ready: namespaces.ready,
    ages: () => ({ namespaces: namespaces.ageMs(), serviceaccounts: accounts.ageMs(), ...limits.ages() }),
  };
}
