// Reads what podrole status shows. The cluster is asked for what it knows, and podrole's server for what pods hold;
// what may not or cannot be read is a part of the answer, and the rest is still there. Changes nothing.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { BUNDLE_KEY } from "../../pki/bundle.ts";
import { optsIn } from "../../policy/annotations.ts";
import type { ClusterState, PodState } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import { DEFAULT_NAMES } from "../check/rights.ts";
import { deriveKnown, type Known, readKnown } from "../known.ts";
import { readServerSettings } from "../server-settings.ts";
import type { AskServer } from "../state/ask-server.ts";
import { lastRefusals } from "../state/last-refusals.ts";
import type { StateRead } from "../state/read-state.ts";
import { labelTimeOf, type SurroundingTimes } from "../uninjected-cause.ts";
import { type ReadInstallation, readInstallationState, unknownPart } from "./installation.ts";
import type { Status, StatusTopic, UnknownPart } from "./model.ts";
import { podRows } from "./pod-rows.ts";
import { blockedWorkloads, type EventObject, refusalRows } from "./refusal-rows.ts";
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
type TopicRows = Pick<Status, "pods" | "blocked" | "roles" | "refusals" | "refusalsSince" | "trust" | "unknown">;

/** The problem is that there is no namespace of the given name. Does not throw ApiError. */
export async function readStatus(deps: StatusDeps, options: StatusOptions): Promise<Result<Status>> {
  const { kubernetes, clock, progress } = deps;
  const { topic, namespace, podroleNamespace } = options;
  const place = topic === "trust" ? undefined : namespace;
  const found = place === undefined ? undefined : await readKnown(() => kubernetes.getNamespace(place));
  if (found && "value" in found && found.value === undefined) {
    return failure(`--namespace: there is no namespace "${place}"`);
  }

  const isLabelled = found && "value" in found ? optsIn(found.value?.metadata.labels) : undefined;
  progress("reading podrole's installation");
  const installation = await readInstallationState(kubernetes, podroleNamespace);
  progress("asking podrole's server");
  const answer = await deps.askServer(place);
  const state = deriveKnown(answer, (read) => read.state);
  const { registeredAt } = installation;
  const surroundings = { labelled: found && "value" in found ? labelTimeOf(found.value) : undefined, registeredAt };
  const rows =
    topic === "trust"
      ? await readTrustTopic(deps, options, state, installation)
      : await readPodTopic(deps, { ...options, topic, isLabelled: isLabelled === true, surroundings }, state);
  return success({
    topic,
    at: new Date(clock.now()).toISOString(),
    ...(place !== undefined && { namespace: place }),
    ...(isLabelled !== undefined && { isLabelled }),
    installation: installation.state,
    ...rows,
    unknown: [...installation.unknown, ...rows.unknown, ...silentReplicas(answer)],
  });
}

async function readPodTopic(
  { kubernetes, clock, progress }: StatusDeps,
  {
    topic,
    namespace,
    labelSelector,
    isLabelled,
    surroundings,
  }: StatusOptions & {
    readonly topic: Exclude<StatusTopic, "trust">;
    readonly isLabelled: boolean;
    readonly surroundings: SurroundingTimes;
  },
  state: Known<ClusterState>,
): Promise<TopicRows> {
  progress("reading pods");
  const inPlace = namespace === undefined ? {} : { namespace };
  const selector = { ...inPlace, ...(labelSelector !== undefined && { labelSelector }) };
  // Events have no labels of pods.
  const isWithBlocked = topic === "pods" && labelSelector === undefined;
  const [seen, failures] = await Promise.all([
    readKnown(() => kubernetes.listProjected("pods", seenPodOf, selector)),
    isWithBlocked ? readEvents(kubernetes, { ...inPlace, fieldSelector: FAILED_CREATIONS }) : NOT_ASKED,
  ]);
  if (topic === "refusals") {
    return readRefusals({ kubernetes, progress }, inPlace, { state, seen });
  }
  // The server does not know the labels of pods, so its answer cannot take the place of a list with a selector.
  const isSelected = labelSelector === undefined || "value" in seen;
  const pods = podRows({
    seen,
    held: isSelected ? podsOf(state) : { unknown: "" },
    refusals: lastRefusals("value" in state ? state.value : {}),
    surroundings,
  });
  const unknown = [...unknownPart("pods", seen), ...unknownPart("what containers hold", state)];
  if (topic === "roles") return { roles: roleRows(pods), unknown };
  const known = deriveKnown(failures, (all) => blockedWorkloads(all, { now: clock.now(), withQuotas: isLabelled }));
  return { pods, ...("value" in known && { blocked: known.value }), unknown };
}

/** Events of workloads that could not create a pod. */
const FAILED_CREATIONS = "reason=FailedCreate";

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
  { state, seen }: { readonly state: Known<ClusterState>; readonly seen: Known<readonly SeenPod[]> },
): Promise<TopicRows> {
  progress("reading Events");
  const failures = await readEvents(kubernetes, { ...inPlace, fieldSelector: FAILED_CREATIONS });
  const records = "value" in state && state.value.refusals ? { value: state.value.refusals } : undefined;
  if (records) {
    const refusals = refusalRows({ records, events: NOT_ASKED, failures, seen });
    return { refusals, refusalsSince: records.value.recordedSince, unknown: unknownPart("Events", failures) };
  }
  const events = await readEvents(kubernetes, { ...inPlace, fieldSelector: "involvedObject.kind=Pod" });
  const unknown: UnknownPart[] = [
    ...unknownPart("refusals before the last hour", state),
    ...unknownPart("Events", events),
    ...unknownPart("pods", seen),
  ];
  return { refusals: refusalRows({ records: NOT_ASKED, events, failures, seen }), unknown };
}

const NOT_ASKED = { unknown: "not read" };

async function readTrustTopic(
  { kubernetes, progress }: StatusDeps,
  { podroleNamespace: namespace }: StatusOptions,
  state: Known<ClusterState>,
  { webhooks }: ReadInstallation,
): Promise<TopicRows> {
  progress("reading the trust bundle");
  const settings = await readServerSettings(kubernetes, namespace);
  const place = ("value" in settings && settings.value?.trustConfigMap) || {
    namespace,
    name: DEFAULT_NAMES.trustConfigMap,
  };
  const bundle = await readKnown(
    async () => (await kubernetes.getConfigMap(place.namespace, place.name))?.[BUNDLE_KEY],
  );
  const trust =
    "unknown" in state ? state : state.value.trust ? { value: state.value.trust } : { unknown: "it has no CA yet" };
  return {
    trust: trustRows({ trust, bundle, webhooks, namespace }),
    unknown: [...unknownPart("which CA signs", trust), ...unknownPart("the trust bundle", bundle)],
  };
}
