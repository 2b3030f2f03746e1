// The rows of podrole status pods: what the cluster says about each pod, joined with what the server says
// that its containers hold. Pure.

import { ANNOTATIONS } from "../../policy/annotations.ts";
import { withoutSlash } from "../../policy/role.ts";
import { comparePods } from "../../protocol/state/merge.ts";
import type { ContainerHolding, PodState, RefusalRecord } from "../../protocol/state/model.ts";
import { answerFields } from "../answer.ts";
import { stepsAfterCode } from "../code-steps.ts";
import { findOriginal } from "../copied-pod.ts";
import { type Known } from "../known.ts";
import { stepFields } from "../next-steps.ts";
import { diagnoseCode } from "../sidecar-diagnosis.ts";
import { refusalMessage } from "../state/last-refusals.ts";
import { diagnoseSeen, type PodSurroundings } from "./diagnose-seen.ts";
import type { PodRow, PodRowPhase } from "./model.ts";
import type { SeenPod } from "./seen-pod.ts";

/** What the rows are made from; `held` are the pods of the server's answer. */
export interface PodRowInput extends PodSurroundings {
  readonly seen: Known<readonly SeenPod[]>;
  readonly held: Known<readonly PodState[]>;
  /** Each pod's last refusal by the server's records, by uid; absent: unknown. */
  readonly refusals?: ReadonlyMap<string, RefusalRecord>;
}

/**
 * Returns the rows by namespace and pod. The cluster decides which pods there are: the server's answer may be older. If
 * the pods may not be listed, those of the server's answer are shown.
 */
export function podRows({ seen, held, refusals, ...surroundings }: PodRowInput): readonly PodRow[] {
  if ("unknown" in seen) {
    const known = "value" in held ? held.value.toSorted(comparePods) : [];
    return known.flatMap((pod) => heldRows(pod, refusals?.get(pod.uid), surroundings.installation));
  }
  const byUid = new Map("value" in held ? held.value.map((pod) => [pod.uid, pod] as const) : []);
  const unknown = "unknown" in held ? held.unknown : undefined;
  const originals = originalsIn(seen.value);
  const shown = seen.value.filter((pod) => !pod.mayBeCopy || findOriginal(pod, originals.get(pod.namespace) ?? []));
  return shown.toSorted(comparePods).flatMap((pod) =>
    seenRows(pod, byUid.get(pod.uid), {
      unknown,
      surroundings: { ...surroundings, originals },
      refused: refusals?.get(pod.uid),
    }),
  );
}

/** The injected pods of each namespace, of which one may be a copy. */
function originalsIn(seen: readonly SeenPod[]): ReadonlyMap<string, readonly SeenPod[]> {
  const copies = new Set(seen.filter(({ isCopy, mayBeCopy }) => isCopy || mayBeCopy).map(({ namespace }) => namespace));
  const others = seen.filter(({ isCopy, sidecar, namespace }) => copies.has(namespace) && !isCopy && sidecar);
  return Map.groupBy(others, ({ namespace }) => namespace);
}

interface RowContext {
  /** Why it is unknown what containers hold. */
  readonly unknown: string | undefined;
  readonly surroundings: PodSurroundings & { readonly originals: ReadonlyMap<string, readonly SeenPod[]> };
  readonly refused: RefusalRecord | undefined;
}

function seenRows(pod: SeenPod, state: PodState | undefined, context: RowContext): readonly PodRow[] {
  const holdings = new Map(state?.containers.map((holding) => [holding.container, holding]));
  const named = new Set([...pod.served, ...Object.keys(pod.roles), ...holdings.keys()]);
  const containers = named.size === 0 ? [""] : [...named];
  const why =
    context.unknown ?? (state?.unknownSince && `it has not called since the server's restart at ${state.unknownSince}`);
  return containers.map((container) => seenRow(pod, container, holdings.get(container), { ...context, unknown: why }));
}

function seenRow(
  pod: SeenPod,
  container: string,
  holding: ContainerHolding | undefined,
  { unknown, surroundings, refused }: RowContext,
): PodRow {
  const { sidecar, rolesFrom } = pod;
  const admitted = Object.hasOwn(pod.roles, container) ? pod.roles[container] : undefined;
  const role = holding?.role ?? admitted;
  const phase = phaseOf(pod);
  const lastEnd = phase === "ready" ? undefined : sidecar?.lastEnd;
  const code = holding?.code ?? lastEnd?.code;
  const roleFrom = holding?.role === undefined ? rolesFrom : "server";
  const roleAnnotation = annotationNaming(pod, container);
  const requestedRole = requestedInstead(pod, container, role);
  const namedRole = phase === "not injected" && roleAnnotation !== undefined ? pod.named[roleAnnotation] : undefined;
  const state = { phase, container, holding, admitted, code, requestedRole, refused };
  const { steps = [], ...diagnosis } = diagnoseSeen(pod, state, surroundings) ?? {};
  return {
    namespace: pod.namespace,
    pod: pod.name,
    container,
    ...(role !== undefined && { role, ...(roleFrom && { roleFrom }) }),
    ...(requestedRole !== undefined && { requestedRole }),
    ...(namedRole !== undefined && { namedRole }),
    ...(roleAnnotation !== undefined && { roleAnnotation }),
    phase,
    ...(pod.mayBeCopy && { isCopy: true as const }),
    ...(sidecar?.reason !== undefined && { reason: sidecar.reason }),
    ...timesOf(holding),
    ...(code !== undefined && { code }),
    ...(lastEnd && { message: lastEnd.message }),
    ...diagnosis,
    ...stepFields(steps),
    ...(holding === undefined && sidecar && unknown !== undefined && { unknown }),
    restarts: sidecar?.restarts ?? 0,
    ...(pod.created !== undefined && { created: pod.created }),
    ...(pod.image !== undefined && { sidecar: pod.image }),
    ...(pod.node !== undefined && { node: pod.node }),
    workload: pod.workload,
    uid: pod.uid,
  };
}

/** The pod's annotation that names a role for the container. */
function annotationNaming({ named }: SeenPod, container: string): string | undefined {
  return [`${ANNOTATIONS.roleOfContainer}${container}`, ANNOTATIONS.role].find((name) => named[name] !== undefined);
}

/** The role that the pod's annotation names now, if it is another one than the container has. */
export function requestedInstead(pod: SeenPod, container: string, role: string | undefined): string | undefined {
  const requested = pod.named[annotationNaming(pod, container) ?? ""];
  if (requested === undefined || role === undefined || role === requested) return undefined;
  // The base ARN, which precedes a short name, may contain a path.
  return role.endsWith(`/${withoutSlash(requested)}`) ? undefined : requested;
}

function phaseOf({ isDeleted, sidecar }: SeenPod): PodRowPhase {
  if (isDeleted) return "terminating";
  return sidecar?.phase ?? "not injected";
}

function timesOf(holding: ContainerHolding | undefined): Pick<PodRow, "expires" | "renewed"> {
  const { expiresAt, renewedAt } = holding ?? {};
  return {
    ...(expiresAt !== undefined && { expires: expiresAt }),
    ...(renewedAt !== undefined && { renewed: renewedAt }),
  };
}

/** Rows of a pod that only the server knows. */
function heldRows(
  { namespace, name, uid, node, sidecarRestarts, containers, unknownSince }: PodState,
  refused: RefusalRecord | undefined,
  installation: PodSurroundings["installation"],
): readonly PodRow[] {
  const common = { namespace, pod: name, phase: "unknown", restarts: sidecarRestarts ?? 0, uid } as const;
  const place = node === undefined ? {} : { node };
  if (containers.length === 0) {
    const since = unknownSince === undefined ? "" : ` since the server's restart at ${unknownSince}`;
    return [{ ...common, ...place, container: "", unknown: `it has not called${since}` }];
  }
  return containers.map((holding) => ({
    ...common,
    ...place,
    container: holding.container,
    ...(holding.role !== undefined && { role: holding.role, roleFrom: "server" as const }),
    ...timesOf(holding),
    ...(holding.code !== undefined && answerToCode(holding.code)),
  }));

  function answerToCode(code: string) {
    const serverMessage = refusalMessage(refused, code);
    const object = { namespace, kind: "pod", name };
    const concerned = { object, installation, message: serverMessage, serverMessage };
    const diagnosis = diagnoseCode({ code, message: serverMessage }, { ...concerned, isReady: true });
    return { code, ...answerFields({ ...diagnosis, steps: stepsAfterCode(code, concerned) }, object) };
  }
}

/**
 * Whether the pod has what it needs: its sidecar is ready and its credentials have not expired at `now` (Unix
 * milliseconds). A pod that only the server knows is judged by its credentials.
 */
export function isRowWell({ phase, expires, code }: PodRow, now: number): boolean {
  if (phase === "terminating") return true;
  const isExpired = expires !== undefined && Date.parse(expires) <= now;
  if (phase === "unknown") return !isExpired && (code === undefined || expires !== undefined);
  return phase === "ready" && !isExpired;
}
