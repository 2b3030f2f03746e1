// Reads what the pods of the cluster do, for an answer that concerns all of them: without the right to list the pods of
// all namespaces, those of the namespace in question.
import { isInjected } from "../injection/parts.ts";
import { hasRoleAnnotation } from "../injection/pod-annotations.ts";
import { hasFinished, type Namespace, type Pod } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { optsIn } from "../policy/annotations.ts";
import type { ClusterState, PodState } from "../protocol/state/model.ts";
import type { ReplicaCount } from "./installed.ts";
import { type Known, readKnown } from "./known.ts";
import { creatorOf } from "./next-steps.ts";
import { compareTrust, podBundle } from "./pod-trust.ts";
import { earliestExpiry, latestRenewal, type OlderPod, type OlderPods, type RunningPods } from "./running-pods.ts";
import { readSidecarState } from "./sidecar-state.ts";
import type { AskServer } from "./state/ask-server.ts";

/** What they are read with; without `askServer`, it is unknown which pods have renewed. */
export interface RunningPodsDeps {
  readonly kubernetes: Pick<OperatorKubernetes, "listProjected">;
  readonly askServer?: AskServer | undefined;
}

/** What is known already. */
export interface RunningPodsOptions {
  /** Whose pods are read if those of all namespaces may not be listed; undefined: none. */
  readonly namespace: string | undefined;
  /** The server's replicas; undefined if unknown. */
  readonly server: ReplicaCount | undefined;
  /** Whether the webhook is registered; undefined if unknown. */
  readonly isRegistered: boolean | undefined;
  /** Whether a pod does not trust the server. */
  readonly isDistrusted: boolean;
  /** The published CAs as PEM; undefined if unknown. */
  readonly bundle: string | undefined;
  /** Lifetime of sessions; undefined if unknown. */
  readonly sessionMs: number | undefined;
}

/**
 * Returns what pods do if something is wrong that concerns all of them; undefined if nothing is, or if no pods may be
 * listed. Never rejects.
 */
export async function readRunningPods(
  deps: RunningPodsDeps,
  { server, isRegistered, isDistrusted, bundle, ...options }: RunningPodsOptions,
): Promise<RunningPods | undefined> {
  if (!isDistrusted && server?.ready !== 0 && isRegistered !== false) return undefined;
  return readPods(deps, { ...options, bundle: isDistrusted ? bundle : undefined });
}

/** Reports whether the pod's sidecar last ended because it does not trust the server. */
export function isDistrusting(pod: Pod): boolean {
  return readSidecarState(pod).lastEnd?.code === "SERVER_UNTRUSTED";
}

async function readPods(
  { kubernetes, askServer }: RunningPodsDeps,
  { namespace, bundle, sessionMs }: Pick<RunningPodsOptions, "namespace" | "bundle" | "sessionMs">,
): Promise<RunningPods | undefined> {
  const project = createProjection(bundle);
  const list = (selector: { readonly namespace?: string }) =>
    readKnown(() => kubernetes.listProjected("pods", project, selector));
  const [all, labelled] = await Promise.all([
    list({}),
    readKnown(() => kubernetes.listProjected("namespaces", labelledName)),
  ]);
  const isPart = "unknown" in all && namespace !== undefined;
  const read = isPart ? await list({ namespace }) : all;
  if ("unknown" in read) return undefined;
  const pods = read.value;
  const injected = pods.filter(({ isServed }) => isServed);
  const older = injected.filter(({ isOlder }) => isOlder);
  const state = older.length > 0 && askServer ? await askServer(isPart ? namespace : undefined) : UNASKED_STATE;
  return {
    ...(isPart && { namespace }),
    serving: injected.filter(({ isReady }) => isReady).length,
    waiting: injected.filter(({ isReady }) => !isReady).length,
    uninjected: pods.filter((pod) => !pod.isServed && isIn(labelled, pod.namespace)).map(nameWithNamespace),
    ...(bundle !== undefined && {
      older: olderPods(older, "value" in state ? state.value.state : undefined, sessionMs),
    }),
  };
}

const UNASKED_STATE = { unknown: "not asked" };

/** What is kept of a pod. */
interface ReadPod {
  readonly namespace: string;
  readonly pod: string;
  readonly workload: string;
  readonly uid: string;
  readonly isServed: boolean;
  readonly isReady: boolean;
  readonly code: string | undefined;
  /** Whether it was created without one of the published CAs. */
  readonly isOlder: boolean;
}

const nameWithNamespace = ({ namespace, pod }: ReadPod) => `${namespace}/${pod}`;

/** Pods have few different bundles, and each takes time to read. */
function createProjection(published: string | undefined): (pod: Pod) => ReadPod | undefined {
  const known = new Map<string, boolean>();
  const lacksCa = (own: string | undefined) => {
    if (own === undefined || published === undefined) return false;
    const isLacking = known.get(own) ?? (compareTrust(own, published)?.lacking.length ?? 0) > 0;
    known.set(own, isLacking);
    return isLacking;
  };
  return (pod) => {
    const isServed = isInjected(pod);
    const { namespace = "", name = "", uid = "", deletionTimestamp } = pod.metadata;
    if (hasFinished(pod) || deletionTimestamp !== undefined || (!isServed && !hasRoleAnnotation(pod))) return undefined;
    const { phase, lastEnd } = readSidecarState(pod);
    const isReady = isServed && phase === "ready";
    const code = isServed && !isReady ? lastEnd?.code : undefined;
    const isOlder = isServed && lacksCa(podBundle(pod));
    return { namespace, pod: name, workload: creatorOf(pod), uid, isServed, isReady, code, isOlder };
  };
}

function labelledName({ metadata }: Namespace): string | undefined {
  return optsIn(metadata.labels) ? metadata.name : undefined;
}

/** Also true if it is unknown which namespaces have the label. */
function isIn(labelled: Known<readonly string[]>, namespace: string): boolean {
  return "unknown" in labelled || labelled.value.includes(namespace);
}

function olderPods(
  older: readonly ReadPod[],
  state: ClusterState | undefined,
  sessionMs: number | undefined,
): OlderPods {
  const signsSince = state?.trust?.slots.find(({ slot }) => slot === "current")?.since;
  const held = new Map(state?.pods.map((pod) => [pod.uid, pod] as const));
  const serving = older.filter(({ isReady }) => isReady);
  const others = serving.filter(({ uid }) => !hasRenewed(held.get(uid), signsSince));
  const known = others.flatMap(({ uid }) => expiriesOf(held.get(uid)));
  const isComplete = others.every(({ uid }) => expiriesOf(held.get(uid)).length > 0);
  const bound =
    isComplete || signsSince === undefined || sessionMs === undefined ? [] : [earliestExpiry(signsSince, sessionMs).at];
  const [firstExpiry] = isComplete || bound.length > 0 ? [...known, ...bound].toSorted(soonestFirst) : [];
  return {
    untrusting: older.filter(({ code }) => code === "SERVER_UNTRUSTED").length,
    renewed: serving.length - others.length,
    unknown: others.map((pod) => olderPod(pod, held.get(pod.uid))),
    ...(firstExpiry !== undefined && { firstExpiry }),
  };
}

const soonestFirst = (a: string, b: string) => Date.parse(a) - Date.parse(b);

function expiriesOf(pod: PodState | undefined): readonly string[] {
  return pod?.containers.flatMap(({ expiresAt }) => expiresAt ?? []) ?? [];
}

/** The last of its containers' renewals counts; it is unknown if the server does not know all of their times. */
function olderPod({ namespace, pod, workload }: ReadPod, held: PodState | undefined): OlderPod {
  const times = (held?.containers ?? []).map(({ renewedAt, expiresAt }) =>
    renewedAt === undefined || expiresAt === undefined ? undefined : latestRenewal(renewedAt, expiresAt),
  );
  const known = times.filter((time) => time !== undefined).toSorted(soonestFirst);
  const triedBy = known.length < times.length ? undefined : known.at(-1);
  return { namespace, pod, workload, ...(triedBy !== undefined && { triedBy }) };
}

/** Whether a server that the new CA certifies has issued credentials to the pod. */
function hasRenewed(pod: PodState | undefined, signsSince: string | undefined): boolean {
  return (
    signsSince !== undefined &&
    (pod?.containers.some(
      ({ renewedAt, source }) =>
        source === "issued" && renewedAt !== undefined && Date.parse(renewedAt) >= Date.parse(signsSince),
    ) ??
      false)
  );
}
