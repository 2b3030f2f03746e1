// The server's caches of injected pods, namespaces and ServiceAccounts, filled by watches. A pod that is not cached
// (yet), or beyond its namespace's share of the cache, is read live, so a lagging watch never causes a refusal of a new
// pod; a cached pod is used as it is, so running pods renew while the API server is unavailable. A refusal that follows
// from a cache is confirmed by a live look-up (confirm()).
// States: filling (until `ready`) → watching → stopped (stop()).
import type { Kubernetes } from "../../kubernetes/api.ts";
import { cacheKey } from "../../kubernetes/object-cache.ts";
import type { Namespace, Pod, ServiceAccount } from "../../kubernetes/objects.ts";
import { type Reflector, startReflector } from "../../kubernetes/reflector.ts";
import type { PodIdentity } from "../../pki/identity.ts";
import { INJECTED_PODS } from "../../policy/annotations.ts";
import type { InheritedAnnotations, PodFacts, PolicySettings } from "../../policy/decide.ts";
import {
  ACCOUNT_SHARE,
  accountMetadata,
  inheritedFrom,
  type OwnMetadata,
  ownMetadata,
} from "../../policy/inherited.ts";
import { isRefusal, type Refusal } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { type KnownPod, knownPodOf, POD_SHARE, verifyInjected } from "./known-pod.ts";
import { createLookupCache } from "./lookup-cache.ts";

/** A pod with everything that its roles depend on: its own annotations, its namespace's and its ServiceAccount's. */
export interface PodInContext {
  readonly facts: PodFacts;
  readonly inherited: InheritedAnnotations;
}

export interface PodDirectory {
  /**
   * The pod that a certificate names, or why it is refused (POD_UNKNOWN, POD_FINISHED, POD_NOT_INJECTED). Rejects with
   * KUBERNETES_UNAVAILABLE if the pod is not cached and the API server cannot be reached.
   */
  find(identity: PodIdentity): Promise<PodInContext | Refusal>;
  /**
   * The same from the API server: at most 5 s old and no older than what the watches have seen, with at most one
   * look-up per pod at a time.
   */
  confirm(identity: PodIdentity): Promise<PodInContext | Refusal>;
  /** Returns what is known of a pod that was just read live: from the cache, if that has the same version of it. */
  readonly describe: (pod: Pod) => KnownPod;
  /** Adds the inherited annotations to a pod. */
  inContext(pod: KnownPod): Promise<PodInContext>;
  /**
   * Uids of injected pods that have not finished; undefined before the first list. The same object as long as no pod
   * has begun or ended.
   */
  livingPods(): ReadonlySet<string> | undefined;
  /** The cached pod of this name; undefined if it has not the label of injected pods, or is not cached yet. */
  knownPod(namespace: string, name: string): KnownPod | undefined;
  /** The cached pods with the label of injected pods, in no order. */
  knownPods(): readonly KnownPod[];
  /** Resolves when every cache has had its first list. */
  readonly ready: Promise<void>;
  /** Milliseconds since each cache was last proved fresh. */
  ages(): Readonly<Record<string, number>>;
  stop(): void;
}

/** The context that facts had last, and the objects from which the rest of it was read. */
interface ContextOfFacts {
  readonly namespaceObject: unknown;
  readonly account: unknown;
  readonly context: PodInContext;
}

export interface PodDirectoryDeps {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Only pods with the label that injection sets are cached. A pod that lost it is read live each time; nothing else
 * changes.
 */
const INJECTED_ONLY = { labelSelector: INJECTED_PODS };

/** A refused pod asks again and again; a change of the cluster is noticed after this time. */
const LIVE_LOOKUPS = { rememberMs: 5_000, capacity: 10_000 };

/** Starts the three watches. `settings` decide what is cached of a pod. */
export function startPodDirectory(
  { kubernetes, clock, log }: PodDirectoryDeps,
  settings: Pick<PolicySettings, "sessionTagLabels" | "pinRoles">,
): PodDirectory {
  const knownPod = (pod: Pod) => knownPodOf(pod, settings);

  const pods: Reflector<KnownPod> = startReflector(
    { source: kubernetes.source<Pod>("pods", INJECTED_ONLY), clock, log },
    { project: knownPod, share: POD_SHARE },
  );
  const namespaces: Reflector<OwnMetadata> = startReflector(
    { source: kubernetes.source<Namespace>("namespaces"), clock, log },
    { project: ownMetadata },
  );
  const serviceAccounts: Reflector<OwnMetadata> = startReflector(
    { source: kubernetes.source<ServiceAccount>("serviceaccounts"), clock, log },
    { project: accountMetadata, share: ACCOUNT_SHARE },
  );

  function describe(pod: Pod): KnownPod {
    const { uid, resourceVersion } = pod.metadata;
    const cached = pods.get(cacheKey(pod.metadata));
    const isSame = resourceVersion !== undefined && cached?.resourceVersion === resourceVersion && cached.uid === uid;
    return isSame ? cached : knownPod(pod);
  }

  const contexts = new WeakMap<PodFacts, ContextOfFacts>();

  /** Returns the same object until one of the three objects changes: callers remember what follows from it. */
  async function inContext(facts: PodFacts): Promise<PodInContext> {
    const { namespace, serviceAccount } = facts;
    const [namespaceObject, account] = await Promise.all([
      namespaces.get(namespace) ?? kubernetes.getNamespace(namespace),
      serviceAccounts.get(`${namespace}/${serviceAccount}`) ?? kubernetes.getServiceAccount(namespace, serviceAccount),
    ]);
    const known = contexts.get(facts);
    if (known && known.namespaceObject === namespaceObject && known.account === account) return known.context;
    const context = { facts, inherited: inheritedFrom(namespaceObject, account) };
    contexts.set(facts, { namespaceObject, account, context });
    return context;
  }

  const lookUpOnce = createLookupCache<PodInContext | Refusal>({ clock }, LIVE_LOOKUPS);

  function confirm(identity: PodIdentity): Promise<PodInContext | Refusal> {
    const { namespace, name, uid, serviceAccount } = identity;
    const pod = pods.get(`${namespace}/${name}`);
    const account = serviceAccounts.get(`${namespace}/${serviceAccount}`);
    const key = `${namespace}/${name}/${uid}/${serviceAccount}`;
    return lookUpOnce(key, () => lookUp(identity), [pod, namespaces.get(namespace), account]);
  }

  async function lookUp(identity: PodIdentity): Promise<PodInContext | Refusal> {
    const { namespace, name, serviceAccount } = identity;
    const [pod, namespaceObject, account] = await Promise.all([
      kubernetes.getPod(namespace, name),
      kubernetes.getNamespace(namespace),
      kubernetes.getServiceAccount(namespace, serviceAccount),
    ]);
    const found = verifyInjected(identity, pod && knownPod(pod));
    return isRefusal(found) ? found : { facts: found.facts, inherited: inheritedFrom(namespaceObject, account) };
  }

  /** Computed once for each change of the cache, which is mostly a change of a pod that goes on living. */
  let living: { readonly pods: readonly KnownPod[]; readonly uids: ReadonlySet<string> } | undefined;
  function livingPods(): ReadonlySet<string> | undefined {
    if (pods.ageMs() === Number.POSITIVE_INFINITY) return undefined;
    const list = pods.list();
    if (living?.pods !== list) {
      const uids = new Set(list.flatMap(({ uid, hasFinished }) => (hasFinished ? [] : (uid ?? []))));
      const former = living?.uids;
      const isSame = former?.size === uids.size && former.isSubsetOf(uids);
      living = { pods: list, uids: isSame ? former : uids };
    }
    return living.uids;
  }

  return {
    livingPods,
    knownPod: (namespace, name) => pods.get(`${namespace}/${name}`),
    knownPods: () => pods.list(),
    async find(identity) {
      const cached = pods.get(`${identity.namespace}/${identity.name}`);
      if (cached?.uid !== identity.uid) return confirm(identity);
      const found = verifyInjected(identity, cached);
      return isRefusal(found) ? found : inContext(found.facts);
    },
    confirm,
    describe,
    inContext: ({ facts }) => inContext(facts),
    ready: Promise.all([pods.ready, namespaces.ready, serviceAccounts.ready]).then(() => undefined),
    ages: () => ({ pods: pods.ageMs(), namespaces: namespaces.ageMs(), serviceaccounts: serviceAccounts.ageMs() }),
    stop() {
      for (const reflector of [pods, namespaces, serviceAccounts]) reflector.stop();
    },
  };
}
