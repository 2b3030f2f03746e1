// Reads what podrole status shows. The cluster is asked for what it knows, and podrole's server for what pods hold;
// what may not or cannot be read is a part of the answer, and the rest is still there. Changes nothing.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { BUNDLE_KEY } from "../../pki/bundle.ts";
import { policySettings } from "../../policy/settings-table.ts";
import type { ClusterState, PodState } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { serverAccountOf } from "../aws-accounts.ts";
import { type EventObject, FAILED_CREATIONS, findBlockedWorkloads } from "../blocked-workloads.ts";
import { DEFAULT_NAMES } from "../check/rights.ts";
import { certificateRequestOf, lastRequests, type SeenRequest } from "../explain/certificate-request.ts";
import { deriveKnown, type Known, readKnown } from "../known.ts";
import { createNamespacePermission } from "../namespace-permission.ts";
import { type NamespaceSights, namespaceSight, sightsByName } from "../namespace-sight.ts";
import { compareTrust } from "../pod-trust.ts";
import { readRunningPods } from "../read-running-pods.ts";
import type { AskServer } from "../state/ask-server.ts";
import { lastRefusals } from "../state/last-refusals.ts";
import type { StateRead } from "../state/read-state.ts";
import type { PodSurroundings } from "./diagnose-seen.ts";
import { type ReadInstallation, readInstallationState, unknownPart } from "./installation.ts";
import type { Status, StatusTopic, UnknownPart } from "./model.ts";
import { podRows } from "./pod-rows.ts";
import { type RefusalSurroundings, refusalRows } from "./refusal-rows.ts";
import { roleRows } from "./role-rows.ts";
import { type SeenPod, seenPodOf } from "./seen-pod.ts";
import { trustRows } from "./trust-rows.ts";

/** What the status is read with. */
export interface StatusDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Clock;
  readonly askServer: AskServer;
  /** Called before each step that takes time. */
  readonly progress: (step: string) => void;
}

/** What to show. */
export interface StatusOptions {
  readonly topic: StatusTopic;
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** Selects pods, in the text form. */
  readonly labelSelector: string | undefined;
  /** podrole's own. */
  readonly podroleNamespace: string;
}

/** What only a replica knows that did not answer. */
function silentReplicas(answer: Known<StateRead>): readonly UnknownPart[] {
  const silent = "value" in answer ? answer.value.silent : [];
  return silent.map(({ replica, problem }) => ({
    what: `what only replica ${replica} of the server knows`,
    why: problem,
    needs: [],
  }));
}

/** The rows of one topic, and what is unknown of them. */
type TopicRows = Pick<Status, "pods" | "blocked" | "roles" | "refusals" | "refusalsSince" | "trust" | "unknown"> &
  Partial<Pick<Status, "installation">>;

/** The problem is that there is no namespace of the given name. Does not throw ApiError. */
export async function readStatus(deps: StatusDeps, options: StatusOptions): Promise<Result<Status>> {
  const { kubernetes, clock, progress } = deps;
  const { topic, namespace, podroleNamespace } = options;
  const place = topic === "trust" ? undefined : namespace;
  progress("reading podrole's installation and its server's answer");
  // All of these are asked at once: each is a round trip or more.
  const [sights, installation, answer, cluster] = await Promise.all([
    topic === "trust" ? NO_SIGHTS : readNamespaceSights(kubernetes, place),
    readInstallationState(kubernetes, podroleNamespace),
    deps.askServer(place),
    topic === "trust" ? NOTHING_SEEN : readSeenCluster(deps, options),
  ]);
  if (place !== undefined && "value" in sights && sights.value.size === 0) {
    return failure(`--namespace: there is no namespace "${place}"`);
  }
  const state = deriveKnown(answer, (read) => read.state);
  const serverAccount = "value" in state ? serverAccountOf(state.value.replicas) : undefined;
  const isLabelled = "value" in sights && place !== undefined ? sights.value.get(place)?.isLabelled : undefined;
  const rows =
    topic === "trust"
      ? await readTrustTopic(deps, options, state, installation)
      : await podTopicRows(deps, { topic, state, sights, installation, cluster }, options);
  return success({
    topic,
    at: new Date(clock.now()).toISOString(),
    ...(place !== undefined && { namespace: place }),
    ...(isLabelled !== undefined && { isLabelled }),
    installation: installation.state,
    ...(serverAccount !== undefined && { serverAccount }),
    ...rows,
    unknown: [...installation.unknown, ...rows.unknown, ...silentReplicas(answer)],
  });
}

const NO_SIGHTS: Known<NamespaceSights> = { value: new Map() };

function readNamespaceSights(
  kubernetes: StatusDeps["kubernetes"],
  namespace: string | undefined,
): Promise<Known<NamespaceSights>> {
  return readKnown(async () => {
    if (namespace === undefined) {
      return sightsByName(await kubernetes.listProjected("namespaces", namespaceSight));
    }
    const found = await kubernetes.getNamespace(namespace);
    return sightsByName(found ? [namespaceSight(found)] : []);
  });
}

/** What the cluster says about pods. */
interface ReadCluster {
  readonly seen: Known<readonly SeenPod[]>;
  /** Events of workloads that could not create a pod; Events have no labels of pods. */
  readonly failures: Known<readonly EventObject[]>;
}

const NOTHING_SEEN: ReadCluster = { seen: { value: [] }, failures: { value: [] } };

async function readSeenCluster(
  { kubernetes }: Pick<StatusDeps, "kubernetes">,
  { topic, namespace, labelSelector }: StatusOptions,
): Promise<ReadCluster> {
  const inPlace = namespace === undefined ? {} : { namespace };
  const selector = { ...inPlace, ...(labelSelector !== undefined && { labelSelector }) };
  const isWithFailures = topic === "refusals" || (topic === "pods" && labelSelector === undefined);
  const [seen, failures] = await Promise.all([
    readKnown(() => kubernetes.listProjected("pods", seenPodOf, selector)),
    isWithFailures ? readEvents(kubernetes, { ...inPlace, fieldSelector: FAILED_CREATIONS }) : NOT_ASKED,
  ]);
  return { seen, failures };
}

interface PodTopicInput {
  readonly topic: Exclude<StatusTopic, "trust">;
  readonly state: Known<ClusterState>;
  readonly sights: Known<NamespaceSights>;
  readonly installation: ReadInstallation;
  readonly cluster: ReadCluster;
}

async function podTopicRows(
  deps: StatusDeps,
  { topic, state, sights, installation: { state: installed, settings, registeredAt }, cluster }: PodTopicInput,
  { labelSelector, namespace, podroleNamespace }: StatusOptions,
): Promise<TopicRows> {
  const { kubernetes, clock } = deps;
  const { seen, failures } = cluster;
  const namespaces = "value" in sights ? sights.value : sightsByName([]);
  const isDistrusted = "value" in seen && seen.value.some(({ bundle }) => bundle !== undefined);
  const bundle = isDistrusted
    ? await readBundle(kubernetes, settings?.trustConfigMap ?? defaultTrustPlace(podroleNamespace))
    : NOT_ASKED;
  const { server, isRegistered, facts } = installed;
  const running = await readRunningPods(deps, {
    ...{ namespace, server, isRegistered, isDistrusted },
    bundle: "value" in bundle ? bundle.value : undefined,
    sessionMs: facts?.sessionMs,
  });
  const installationFacts = { ...facts, ...(running && { running }) };
  const found = { installation: { ...installed, facts: installationFacts } };
  const awaits = "value" in seen && seen.value.some(({ awaitsCertificate }) => awaitsCertificate);
  const requests = awaits ? await readRequests(kubernetes, namespace) : NO_REQUESTS;
  const surroundings: PodSurroundings = {
    now: clock.now(),
    installation: installationFacts,
    server,
    isRegistered,
    registeredAt,
    namespaces,
    ...("value" in requests && { requests: requests.value }),
    compareTrust: (own) => compareTrust(own, "value" in bundle ? bundle.value : undefined),
    permission: createNamespacePermission(settings && policySettings(settings), namespaces),
  };
  const blocked =
    "value" in failures
      ? await findBlockedWorkloads({ kubernetes }, failures.value, {
          now: clock.now(),
          namespaces,
          installation: installationFacts,
        })
      : undefined;
  if (topic === "refusals") {
    const inPlace = namespace === undefined ? {} : { namespace };
    const known = { ...surroundings, ...(blocked && { blocked }) };
    return { ...found, ...(await readRefusals(deps, inPlace, { state, ...cluster }, known)) };
  }
  // The server does not know the labels of pods, so its answer cannot take the place of a list with a selector.
  const isSelected = labelSelector === undefined || "value" in seen;
  const pods = podRows({
    seen,
    held: isSelected ? podsOf(state) : { unknown: "" },
    refusals: lastRefusals("value" in state ? state.value : {}),
    ...surroundings,
  });
  const unknown = [
    ...unknownPart("pods", seen),
    ...unknownPart("what containers hold", state),
    ...unknownPart("why pods wait for a pod certificate", requests),
  ];
  if (topic === "roles") return { ...found, roles: roleRows(pods), unknown };
  return { ...found, pods, ...(blocked && { blocked }), unknown };
}

const NO_REQUESTS: Known<ReadonlyMap<string, SeenRequest>> = { value: new Map() };

function readRequests(
  kubernetes: StatusDeps["kubernetes"],
  namespace: string | undefined,
): Promise<typeof NO_REQUESTS> {
  const inPlace = namespace === undefined ? {} : { namespace };
  return readKnown(async () =>
    lastRequests(await kubernetes.listProjected("podcertificaterequests", certificateRequestOf, inPlace)),
  );
}

function readEvents(
  kubernetes: StatusDeps["kubernetes"],
  selector: { readonly namespace?: string; readonly fieldSelector: string },
): Promise<Known<readonly EventObject[]>> {
  return readKnown(() => kubernetes.listAll<EventObject>("events", selector));
}

function podsOf(state: Known<ClusterState>): Known<readonly PodState[]> {
  return deriveKnown(state, ({ pods }) => pods);
}

async function readRefusals(
  { kubernetes, progress }: Pick<StatusDeps, "kubernetes" | "progress">,
  inPlace: { readonly namespace?: string },
  { state, seen, failures }: ReadCluster & { readonly state: Known<ClusterState> },
  surroundings: RefusalSurroundings,
): Promise<TopicRows> {
  const records = "value" in state && state.value.refusals ? { value: state.value.refusals } : undefined;
  if (records) {
    const refusals = refusalRows({ records, events: NOT_ASKED, failures, seen }, surroundings);
    return {
      refusals,
      refusalsSince: records.value.recordedSince,
      unknown: [...unknownPart("Events", failures), ...unknownPart("how sidecars ended", seen)],
    };
  }
  progress("reading Events");
  const events = await readEvents(kubernetes, { ...inPlace, fieldSelector: "involvedObject.kind=Pod" });
  const unknown: UnknownPart[] = [
    ...unknownPart("refusals before the last hour", state),
    ...unknownPart("Events", events),
    ...unknownPart("pods", seen),
  ];
  return { refusals: refusalRows({ records: NOT_ASKED, events, failures, seen }, surroundings), unknown };
}

const NOT_ASKED = { unknown: "not read" };

async function readTrustTopic(
  { kubernetes, progress }: StatusDeps,
  { podroleNamespace: namespace }: StatusOptions,
  state: Known<ClusterState>,
  { webhooks, settings }: ReadInstallation,
): Promise<TopicRows> {
  progress("reading the trust bundle");
  const bundle = await readBundle(kubernetes, settings?.trustConfigMap ?? defaultTrustPlace(namespace));
  const trust =
    "unknown" in state ? state : state.value.trust ? { value: state.value.trust } : { unknown: "it has no CA yet" };
  return {
    trust: trustRows({ trust, bundle, webhooks, namespace }),
    unknown: [...unknownPart("which CA signs", trust), ...unknownPart("the trust bundle", bundle)],
  };
}

type TrustPlace = { readonly namespace: string; readonly name: string };

const defaultTrustPlace = (namespace: string): TrustPlace => ({ namespace, name: DEFAULT_NAMES.trustConfigMap });

function readBundle(
  kubernetes: Pick<StatusDeps["kubernetes"], "getConfigMap">,
  { namespace, name }: TrustPlace,
): Promise<Known<string | undefined>> {
  return readKnown(async () => (await kubernetes.getConfigMap(namespace, name))?.[BUNDLE_KEY]);
}
