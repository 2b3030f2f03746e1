// The server's caches of injected pods, namespaces and ServiceAccounts, filled by watches. A pod that is not cached (yet) is
// read live, so a lagging watch never causes a refusal of a new pod; a cached pod is used as it is, so running pods renew
// while the API server is unavailable. A refusal that follows from a cache is confirmed by a live look-up (confirm()).
// States: filling (until `ready`) → watching → stopped (stop()).
import type { Kubernetes } from "../../kubernetes/api.ts";
import { hasFinished, type Namespace, type Pod, type ServiceAccount } from "../../kubernetes/objects.ts";
import { createReflector, type Reflector } from "../../kubernetes/reflector.ts";
import type { PodIdentity } from "../../pki/identity.ts";
import { INJECTED_PODS } from "../../policy/annotations.ts";
import type { InheritedAnnotations, PodFacts } from "../../policy/decide.ts";
import { podFacts } from "../../policy/facts.ts";
import type { Refusal } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { createLiveLookups } from "./live-lookups.ts";
import { refuseMismatch } from "./prove.ts";
import { notInjected, whyUninjected } from "./uninjected.ts";

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
  /** The same from the API server: at most 5 s old, with at most one look-up per pod at a time. */
  confirm(identity: PodIdentity): Promise<PodInContext | Refusal>;
  /** Adds the inherited annotations to a pod that was just read live. */
  inContext(pod: Pod, namespace: string): Promise<PodInContext>;
  /** Uids of injected pods that have not finished; undefined before the first list. */
  livingPods(): ReadonlySet<string> | undefined;
  /** Resolves when every cache has had its first list. */
  readonly ready: Promise<void>;
  /** Milliseconds since each cache was last proved fresh. */
  ages(): Readonly<Record<string, number>>;
  stop(): void;
}

export interface PodDirectoryDeps {
  readonly kubernetes: Kubernetes;
  readonly clock: Clock;
  readonly log: Log;
}

/** Only pods with the label that injection sets are cached. A pod that lost it is read live each time; nothing else changes. */
const INJECTED = { labelSelector: INJECTED_PODS };

/** A cached pod. */
interface KnownPod {
  readonly pod: Pod;
  /** Why it does not count as injected, computed from the whole pod. */
  readonly uninjected: string | undefined;
}

/** A refused pod asks again and again; a change of the cluster is noticed after this time. */
const LIVE_LOOKUPS = { rememberMs: 5_000, capacity: 10_000 };

/** Starts the three watches. */
export function createPodDirectory({ kubernetes, clock, log }: PodDirectoryDeps): PodDirectory {
  const pods: Reflector<KnownPod> = createReflector(
    { source: kubernetes.source<Pod>("pods", INJECTED), clock, log },
    { project: (pod: Pod): KnownPod => ({ pod: slimPod(pod), uninjected: whyUninjected(pod) }) },
  );
  const namespaces: Reflector<Namespace> = createReflector(
    { source: kubernetes.source<Namespace>("namespaces"), clock, log },
    { project: namesAndAnnotations },
  );
  const serviceAccounts: Reflector<ServiceAccount> = createReflector(
    { source: kubernetes.source<ServiceAccount>("serviceaccounts"), clock, log },
    { project: namesAndAnnotations },
  );

  async function inheritedBy(namespace: string, serviceAccount: string): Promise<InheritedAnnotations> {
    const [namespaceObject, account] = await Promise.all([
      namespaces.get(namespace) ?? kubernetes.getNamespace(namespace),
      serviceAccounts.get(`${namespace}/${serviceAccount}`) ?? kubernetes.getServiceAccount(namespace, serviceAccount),
    ]);
    return inheritedFrom(namespaceObject, account);
  }

  async function inContext(pod: Pod, namespace: string): Promise<PodInContext> {
    const facts = podFacts(pod, namespace);
    return { facts, inherited: await inheritedBy(namespace, facts.serviceAccount) };
  }

  const lookUpOnce = createLiveLookups<PodInContext | Refusal>({ clock }, LIVE_LOOKUPS);

  function confirm(identity: PodIdentity): Promise<PodInContext | Refusal> {
    const { namespace, pod, uid, serviceAccount } = identity;
    return lookUpOnce(`${namespace}/${pod}/${uid}/${serviceAccount}`, () => lookUp(identity));
  }

  async function lookUp(identity: PodIdentity): Promise<PodInContext | Refusal> {
    const { namespace, pod: name, serviceAccount } = identity;
    const [pod, namespaceObject, account] = await Promise.all([
      kubernetes.getPod(namespace, name),
      kubernetes.getNamespace(namespace),
      kubernetes.getServiceAccount(namespace, serviceAccount),
    ]);
    const refusal = refusePod(identity, pod, pod && whyUninjected(pod));
    return refusal ?? { facts: podFacts(pod as Pod, namespace), inherited: inheritedFrom(namespaceObject, account) };
  }

  return {
    livingPods() {
      if (pods.ageMs() === Number.POSITIVE_INFINITY) return undefined;
      return new Set(pods.list().flatMap(({ pod }) => (hasFinished(pod) ? [] : (pod.metadata.uid ?? []))));
    },
    async find(identity) {
      const cached = pods.get(`${identity.namespace}/${identity.pod}`);
      if (cached?.pod.metadata.uid !== identity.uid) return confirm(identity);
      const refusal = refusePod(identity, cached.pod, cached.uninjected);
      return refusal ?? inContext(cached.pod, identity.namespace);
    },
    confirm,
    inContext,
    ready: Promise.all([pods.ready, namespaces.ready, serviceAccounts.ready]).then(() => undefined),
    ages: () => ({ pods: pods.ageMs(), namespaces: namespaces.ageMs(), serviceaccounts: serviceAccounts.ageMs() }),
    stop() {
      for (const reflector of [pods, namespaces, serviceAccounts]) reflector.stop();
    },
  };
}

function refusePod(identity: PodIdentity, pod: Pod | undefined, uninjected: string | undefined): Refusal | undefined {
  const claimed = { ...identity, name: identity.pod };
  const mismatch = refuseMismatch(claimed, pod);
  return mismatch ?? (uninjected === undefined ? undefined : notInjected(claimed, uninjected));
}

function inheritedFrom(namespace: Namespace | undefined, account: ServiceAccount | undefined): InheritedAnnotations {
  return {
    namespaceAnnotations: namespace?.metadata.annotations ?? {},
    serviceAccountAnnotations: account?.metadata.annotations ?? {},
  };
}

/** Keeps the fields that decisions need: about a tenth of the object. */
function slimPod({ metadata, spec, status }: Pod): Pod {
  const names = (containers: Pod["spec"]["containers"] | undefined) => containers?.map(({ name }) => ({ name })) ?? [];
  return {
    metadata: identityOf(metadata),
    spec: {
      containers: names(spec.containers),
      initContainers: names(spec.initContainers),
      ...(spec.serviceAccountName !== undefined && { serviceAccountName: spec.serviceAccountName }),
    },
    ...(status?.phase !== undefined && { status: { phase: status.phase } }),
  };
}

function namesAndAnnotations<Kind extends Namespace | ServiceAccount>({ metadata }: Kind): Kind {
  return { metadata: identityOf(metadata) } as Kind;
}

function identityOf({ name, namespace, uid, resourceVersion, labels, annotations }: Pod["metadata"]): Pod["metadata"] {
  return {
    ...(name !== undefined && { name }),
    ...(namespace !== undefined && { namespace }),
    ...(uid !== undefined && { uid }),
    ...(resourceVersion !== undefined && { resourceVersion }),
    ...(labels && { labels }),
    ...(annotations && { annotations }),
  };
}
