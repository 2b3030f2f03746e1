// Reads what the page of podrole ui shows of the whole cluster: the topics of podrole status, the use of STS and what
// namespaces permit. What may not or cannot be read is a part of the answer, by view. Changes nothing.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { ANNOTATIONS, optsIn } from "../../policy/annotations.ts";
import { ownMetadata } from "../../policy/inherited.ts";
import { ERRORS, isErrorCode } from "../../protocol/errors.ts";
import type { ClusterState, TrustState } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import { type Result, success } from "../../runtime/result.ts";
import { VERSION } from "../../runtime/version.ts";
import { deriveKnown, type Known, readKnown } from "../known.ts";
import type { AskServer } from "../state/ask-server.ts";
import { unknownPart } from "../status/installation.ts";
import type { Status, StatusTopic, UnknownPart } from "../status/model.ts";
import { readStatus } from "../status/status.ts";
import { briefOf } from "./briefs.ts";
import { findLikelyCauses } from "./likely-causes.ts";
import type { UiNamespace, UiSnapshot } from "./model.ts";
import { createOneReading } from "./one-reading.ts";

/** What the page reads with. */
export interface UiDeps {
  readonly kubernetes: OperatorKubernetes;
  readonly clock: Clock;
  readonly askServer: AskServer;
}

/** Whose pods the page shows. */
export interface UiOptions {
  /** Undefined: all namespaces. */
  readonly namespace: string | undefined;
  /** podrole's own. */
  readonly podroleNamespace: string;
}

/** The problem is that there is no namespace of the given name. Does not throw ApiError. */
export async function readUiSnapshot(deps: UiDeps, options: UiOptions): Promise<Result<UiSnapshot>> {
  const { clock } = deps;
  const { namespace } = options;
  const { kubernetes, askServer } = createOneReading(deps);
  const topic = (name: StatusTopic) =>
    readStatus(
      { kubernetes, askServer, clock, progress: () => {} },
      { topic: name, namespace, labelSelector: undefined, podroleNamespace: options.podroleNamespace },
    );
  // One after the other, so that they share what they read.
  const pods = await topic("pods");
  if (!pods.ok) return pods;
  const refusals = await topic("refusals");
  const trust = await topic("trust");
  if (!refusals.ok) return refusals;
  if (!trust.ok) return trust;
  // CAs, replicas and the use of STS are of the whole cluster.
  const whole = deriveKnown(await askServer(undefined), ({ state }) => state);
  const namespaces = await readKnown(() => readNamespaces(kubernetes, namespace));
  const rows = { pods: pods.value.pods ?? [], refusals: refusals.value.refusals ?? [], trust: trust.value.trust ?? [] };
  return success({
    version: VERSION,
    at: pods.value.at,
    ...(namespace !== undefined && { namespace }),
    installation: pods.value.installation,
    ...rows,
    ...findLikelyCauses(rows, Date.parse(pods.value.at)),
    ...(refusals.value.refusalsSince !== undefined && { refusalsSince: refusals.value.refusalsSince }),
    ...serverParts(whole),
    namespaces: "value" in namespaces ? namespaces.value : [],
    ...codeTexts([...rows.pods, ...rows.refusals]),
    unknown: {
      pods: pods.value.unknown,
      refusals: newIn(refusals.value, pods.value),
      trust: newIn(trust.value, pods.value),
      sts: "value" in whole && !whole.value.sts ? [NO_STS] : unknownPart("the use of STS", whole),
      namespaces: unknownPart("what namespaces permit", namespaces),
    },
  });
}

const NO_STS: UnknownPart = {
  what: "the use of STS",
  why: "the server's answer does not contain it; a server of this version counts its calls",
  needs: [],
};

/** Unknown parts of one topic that the pods' own list does not name already. */
function newIn({ unknown }: Status, { unknown: named }: Status): readonly UnknownPart[] {
  const known = new Set(named.map(({ what }) => what));
  return unknown.filter(({ what }) => !known.has(what));
}

function serverParts(
  state: Known<ClusterState>,
): Pick<UiSnapshot, "replicas" | "leafSeconds"> & Partial<Pick<UiSnapshot, "rotation" | "sts">> {
  if ("unknown" in state) return { replicas: [], leafSeconds: {} };
  const { replicas, trust, sts } = state.value;
  if (trust === undefined) return { replicas, leafSeconds: {}, ...(sts && { sts }) };
  const { slots, ...rotation } = trust;
  return { replicas, leafSeconds: leafSecondsOf(slots), rotation, ...(sts && { sts }) };
}

function leafSecondsOf(slots: TrustState["slots"]): Readonly<Record<string, number>> {
  const known = slots.flatMap(({ fingerprint, longestLeafSeconds: seconds }) =>
    seconds === undefined ? [] : [[fingerprint, seconds] as const],
  );
  return Object.fromEntries(known);
}

async function readNamespaces(
  kubernetes: OperatorKubernetes,
  only: string | undefined,
): Promise<readonly UiNamespace[]> {
  if (only === undefined) return kubernetes.listProjected("namespaces", uiNamespaceOf);
  const found = await kubernetes.getNamespace(only);
  return found ? [uiNamespaceOf(found)] : [];
}

function uiNamespaceOf(
  namespace: Parameters<typeof ownMetadata>[0] & { readonly metadata: { name?: string } },
): UiNamespace {
  const { labels, annotations = {} } = ownMetadata(namespace).metadata;
  const permitted = annotations[ANNOTATIONS.permitted];
  const allowedRoles = annotations[ANNOTATIONS.allowedRoles];
  return {
    name: namespace.metadata.name ?? "",
    isLabelled: optsIn(labels),
    ...(permitted !== undefined && { permitted }),
    ...(allowedRoles !== undefined && { allowedRoles }),
  };
}

function codeTexts(rows: readonly { readonly code?: string }[]): Pick<UiSnapshot, "briefs" | "remedies"> {
  const codes = [...new Set(rows.flatMap(({ code }) => (code !== undefined && isErrorCode(code) ? [code] : [])))];
  return {
    briefs: Object.fromEntries(codes.map((code) => [code, briefOf(code)])),
    remedies: Object.fromEntries(codes.map((code) => [code, ERRORS[code].remedy])),
  };
}
