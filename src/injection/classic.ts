// Classic mode, for clusters without native sidecars (before Kubernetes 1.29) and for pods that request it:
// podrole-init is an ordinary init container and podrole-sidecar an ordinary container.
import type { Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS } from "../policy/annotations.ts";
import type { ContainerPlan } from "./containers.ts";
import { PODROLE_NAMES } from "./names.ts";
import type { StartGate } from "./podrole-env.ts";
import { listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Names of containers; a container in neither list is not changed. */
export interface Participants {
  readonly withRole: readonly string[];
  readonly withoutRole: readonly string[];
  /** The pin of the pod's roles; absent without --pin-roles. */
  readonly pin?: string;
}

/**
 * Chooses the mode: the place where podrole-sidecar already is, or else what the pod's annotation requests as far as
 * the cluster supports it, or else the setting.
 */
export function modeOf({ metadata, spec }: Pod, nativeSidecar: boolean): ContainerPlan["mode"] {
  if (spec.containers.some(({ name }) => name === PODROLE_NAMES.sidecar)) return "classic";
  if (listOf(spec.initContainers).some(({ name }) => name === PODROLE_NAMES.sidecar)) return "native";
  return nativeSidecar && metadata.annotations?.[ANNOTATIONS.mode] !== "classic" ? "native" : "classic";
}

/** Moves ordinary init containers to `withoutRole`: they end before the sidecar starts, so they get no credentials. */
export function withoutInitContainers(pod: Pod, participants: Participants): Participants {
  const { withRole, withoutRole } = participants;
  const early = ordinaryInitContainers(pod);
  return {
    ...participants,
    withRole: withRole.filter((name) => !early.includes(name)),
    withoutRole: [...withoutRole, ...withRole.filter((name) => early.includes(name))],
  };
}

/** Kubernetes' default for terminationGracePeriodSeconds. */
const USUAL_GRACE_SECONDS = 30;
/** The sidecar's own end takes up to 1.5 s. */
const SIDECAR_END_SECONDS = 2;

/**
 * How long podrole-sidecar may serve after SIGTERM: the kubelet stops it together with the app, which may still be
 * ending until the pod's grace period is over. At least 1 s: the sidecar takes 0 for native mode.
 */
export function classicGraceSeconds({ spec }: Pod): number {
  const own = spec["terminationGracePeriodSeconds"];
  return Math.max(1, (typeof own === "number" ? own : USUAL_GRACE_SECONDS) - SIDECAR_END_SECONDS);
}

/** Warns about what classic mode cannot do for this pod. */
export function classicWarnings(
  pod: Pod,
  { withRole }: Participants,
  { gate, nativeSidecar }: { readonly gate: StartGate; readonly nativeSidecar: boolean },
): readonly Warning[] {
  const early = ordinaryInitContainers(pod).filter((name) => withRole.includes(name));
  const { restartPolicy } = pod.spec;
  return [
    ...(!nativeSidecar && pod.metadata.annotations?.[ANNOTATIONS.mode] === "native"
      ? [warningOf("MODE_UNAVAILABLE")]
      : []),
    ...early.map((name) => warningOf("INIT_WITHOUT_CREDENTIALS", name)),
    ...(restartPolicy === "Never" || restartPolicy === "OnFailure"
      ? [warningOf("NEVER_COMPLETES", restartPolicy)]
      : []),
    ...(gate === "hook" ? [] : [warningOf("STARTS_UNREADY")]),
  ];
}

function ordinaryInitContainers({ spec }: Pod): readonly string[] {
  return listOf(spec.initContainers)
    .filter(({ restartPolicy }) => restartPolicy !== "Always")
    .map(({ name }) => name);
}
