// What a pod of the cluster is now, whatever would happen to a new one: its sidecar's state, what each container got at
// admission and what it holds, and where the decision of now differs. Pure.
import { PODROLE_NAMES } from "../../injection/names.ts";
import { isInjected } from "../../injection/parts.ts";
import { hasInjectedLabel } from "../../injection/reserved.ts";
import { readAdmittedRoles, readResolvedRoles } from "../../injection/resolved-roles.ts";
import { allContainers } from "../../injection/shape.ts";
import { finishedPhase, type Pod } from "../../kubernetes/objects.ts";
import { RESOLVED_ANNOTATION } from "../../policy/annotations.ts";
import { podFacts } from "../../policy/facts.ts";
import { pinnedRoles } from "../../policy/pin.ts";
import type { PodState } from "../../protocol/state/model.ts";
import type { Known } from "../known.ts";
import { absenceOf } from "../program-absence.ts";
import { readSidecarState, type SidecarState } from "../sidecar-state.ts";
import { describeLastRequest } from "./certificate-request.ts";
import type { ContainerExplanation, ContainerInPod, ExistingPod, ExplainInput, ExplainSettings } from "./model.ts";

/** Returns the pod's state, without what follows from a decision. */
export function describeExisting(
  { pod, held, lastRequest }: ExplainInput,
  { policy, server }: ExplainSettings,
): ExistingPod {
  const sidecar = allContainers(pod).find(({ name }) => name === PODROLE_NAMES.sidecar)?.image;
  const image = "value" in policy ? policy.value.plan.image : undefined;
  const ended = finishedPhase(pod);
  const isLive = isInjected(pod) && ended === undefined;
  const state = readSidecarState(pod);
  const isCopy = isLive && !hasInjectedLabel(pod);
  const certificate = lastRequest && describeLastRequest(lastRequest, pod.spec.nodeName);
  const { serverAccount } = held && "value" in held ? (held.value ?? {}) : {};
  const causes = [...(certificate === undefined ? [] : [certificate]), ...(isLive ? causesOf(state, server) : [])];
  return {
    injected: isInjected(pod),
    since: pod.metadata.creationTimestamp ?? "",
    ...(sidecar !== undefined && { sidecar }),
    ...(sidecar !== undefined && image !== undefined && sidecar !== image && { sidecarNow: image }),
    ...(isLive && { state, containers: containersIn(pod, held), ...(serverAccount && { serverAccount }) }),
    ...(ended !== undefined && { ended, ...(ended === "Failed" && isInjected(pod) && { state }) }),
    ...(isCopy && { isCopy }),
    ...((certificate !== undefined || (isLive && state.phase !== "ready")) && causes.length > 0 && { causes }),
  };
}

/** What the cluster knows about a sidecar that is not ready, besides the sidecar's own last words. */
function causesOf({ phase, reason, restarts }: SidecarState, server: ExplainSettings["server"]): readonly string[] {
  if (phase === "ready") return [];
  const causes: string[] = [];
  if (reason === "PostStartHookError") causes.push(HOOK_ENDED);
  if (phase === "starting" && restarts === 0) causes.push(HOOK_WAITS);
  const absence = serverAbsence(server);
  return absence === undefined ? causes : [...causes, absence];
}

/** Why no server answers, by the cluster; undefined if a replica is ready, or if it is unknown. */
function serverAbsence(server: ExplainSettings["server"]): string | undefined {
  if ("unknown" in server) return undefined;
  return server.value === undefined ? NO_SERVER : absenceOf("server", server.value, {})?.cause;
}

/** Nothing else gives credentials. */
export const NO_SERVER = "no Deployment runs podrole's server";

const HOOK_ENDED =
  "PostStartHookError: podrole-sidecar had no credentials within 30 s; the kubelet starts it again, after waits of at most 5 min";
const HOOK_WAITS =
  "podrole-sidecar waits for credentials, for at most 30 s; until then, kubectl logs shows nothing of this pod";

function containersIn(pod: Pod, held: ExplainInput["held"]): readonly ContainerInPod[] {
  const names = allContainers(pod).map(({ name }) => name);
  const { roles: admitted = {}, from } = readAdmittedRoles(pod) ?? {};
  const admittedBy = from === "annotation" ? RESOLVED_ANNOTATION : from;
  const inPod = (container: string): ContainerInPod => {
    const role = Object.hasOwn(admitted, container) ? admitted[container] : undefined;
    return {
      container,
      ...(role !== undefined && { admitted: role }),
      ...(admittedBy && { admittedBy }),
      ...heldBy(container, held),
    };
  };
  return names.filter((name) => name !== PODROLE_NAMES.sidecar && name !== PODROLE_NAMES.init).map(inPod);
}

function heldBy(container: string, held: Known<PodState | undefined> | undefined): Partial<ContainerInPod> {
  if (held === undefined) return {};
  if ("unknown" in held) return { unknown: held.unknown };
  const found = held.value?.containers.find((holding) => holding.container === container);
  if (found === undefined) {
    const since = held.value?.unknownSince;
    return since === undefined ? {} : { unknown: `the pod has not called since the server's restart (${since})` };
  }
  const { role, expiresAt, renewedAt, code, source } = found;
  // The role of a container that was refused before it had credentials is the one that it requested.
  const isHeld = role !== undefined && (expiresAt !== undefined || code === undefined);
  return {
    ...(isHeld && { holds: role }),
    ...(source === "reported" && { source }),
    ...(expiresAt !== undefined && { expires: expiresAt }),
    ...(renewedAt !== undefined && { renewed: renewedAt }),
    ...(code !== undefined && { code }),
  };
}

/**
 * Returns why podrole.io/resolved does not state what the pod got at admission; undefined if nothing speaks against it.
 */
export function findResolvedProblem(pod: Pod): string | undefined {
  const resolved = readResolvedRoles(pod);
  if (resolved === undefined) return undefined;
  const changed = `${RESOLVED_ANNOTATION} was changed after admission`;
  if (resolved === "foreign") return `${changed}: podrole does not write such a text`;
  const names = new Set(allContainers(pod).map(({ name }) => name));
  const stranger = Object.keys(resolved).find((name) => !names.has(name));
  if (stranger !== undefined) return `${changed}: the pod has no container "${stranger}"`;
  const pinned = pinnedRoles(podFacts(pod, ""));
  if (pinned === undefined) return undefined;
  const other = Object.entries(resolved).find(([name, role]) => pinned[name] !== role);
  return other && `${changed}: it names ${other[1]} for container ${other[0]}, and the pod's pin does not`;
}

/** Where the decision of now differs from what containers hold, or got at admission. */
export function findRoleDifferences(
  existing: ExistingPod,
  decided: readonly ContainerExplanation[],
): readonly string[] {
  return differingContainers(existing, decided).map((inPod) => {
    const now = decided.find(({ container }) => container === inPod.container);
    const decision = now?.allowed ? `the decision now is ${now.role}` : "the decision now is none";
    return `${presentText(inPod)}, and ${decision}: ${consequenceOf(inPod, now)}`;
  });
}

/** Returns the containers whose role is another one by the decision of now. */
export function differingContainers(
  { containers = [] }: ExistingPod,
  decided: readonly ContainerExplanation[],
): readonly ContainerInPod[] {
  return containers.filter((inPod) => {
    const present = inPod.holds ?? inPod.admitted;
    const now = decided.find(({ container }) => container === inPod.container);
    return present !== undefined && !now?.undecided && !isSameRole(now, present);
  });
}

function presentText({ container, holds, admitted, admittedBy }: ContainerInPod): string {
  if (holds !== undefined) return `container ${container} holds ${holds}`;
  return admittedBy === "pin"
    ? `container ${container} got ${admitted} at admission`
    : `${RESOLVED_ANNOTATION} says that container ${container} got ${admitted}`;
}

function consequenceOf({ holds, admittedBy }: ContainerInPod, now: ContainerExplanation | undefined): string {
  const isCertain = holds !== undefined || admittedBy === "pin";
  const effect = now?.allowed
    ? "if that is intended, there is nothing to do: it gets that role with its next renewal"
    : "its next renewal is refused";
  return isCertain ? effect : `the role was changed after admission, or that annotation was; ${effect}`;
}

/** A role that only the server can resolve stands in the pod as its name. */
function isSameRole(now: ContainerExplanation | undefined, present: string): boolean {
  const role = now?.allowed ? now.role : undefined;
  return role === present || (role !== undefined && !present.startsWith("arn:") && role.endsWith(`/${present}`));
}
