// From a pod without podrole to a pod with it. Adds what is missing and nothing else, so that a second call, with other
// webhooks' work in between, ends at the same pod. Decides nothing: plan.ts has said which containers have a role.
import type { Container, Pod, Volume } from "../kubernetes/objects.ts";
import { ANNOTATIONS, LABELS } from "../policy/annotations.ts";
import {
  type ContainerPlan,
  type ContainerSettings,
  podroleInit,
  podroleSidecar,
  podroleVolumes,
  refresh,
} from "./containers.ts";
import { closeMetadata, giveCredentials } from "./environment.ts";
import { hasProxyFrom, leadingMeshContainers, leadingMeshProxies, meshWarnings } from "./mesh.ts";
import { INJECTED_LABEL_VALUE, isPodroleContainer, NAMES } from "./names.ts";
import { metadataWish } from "./pod-annotations.ts";
import { choosePorts, contestedPorts } from "./ports.ts";
import { listOf } from "./shape.ts";
import { type Warning, warningOf } from "./warnings.ts";

export interface InjectSettings extends ContainerSettings {
  /** False: the cluster is older than 1.29, or its operator wants ordinary containers. */
  readonly nativeSidecar: boolean;
}

/** Names of containers; a container in neither list is not touched. */
export interface Shares {
  readonly withRole: readonly string[];
  readonly leftOut: readonly string[];
}

export interface Injected {
  readonly pod: Pod;
  /** The containers that the sidecar answers: fewer than asked for in classic mode. */
  readonly served: readonly string[];
  readonly warnings: readonly Warning[];
}

const DEFAULT_CONTAINER = "kubectl.kubernetes.io/default-container";

export function inject(pod: Pod, shares: Shares, settings: InjectSettings): Injected {
  const mode = modeOf(pod, settings);
  const served = mode === "native" ? shares : withoutInitContainers(pod, shares);
  const sidecarIndex = leadingMeshProxies(pod);
  // An ordinary proxy starts after this hook, which would wait for it.
  const isCutOff = mode === "classic" && hasProxyFrom(pod, sidecarIndex);
  const holdsOthersBack = settings.sidecarCommand.length > 0 && !isCutOff;
  const metadata = metadataWish(pod.metadata.annotations);
  const ports = choosePorts(pod);
  const plan: ContainerPlan = { withRole: served.withRole, ports, metadata, mode, holdsOthersBack };

  const warnings: Warning[] = [];
  const equip = (container: Container): Container => {
    if (isPodroleContainer(container)) return refresh(container, plan, settings);
    if (served.leftOut.includes(container.name)) return closeMetadata(container);
    if (!served.withRole.includes(container.name)) return container;
    const change = giveCredentials(container, {
      port: ports.credentials,
      region: settings.region,
      metadata: metadata !== "off",
    });
    warnings.push(...change.warnings);
    return change.container;
  };
  const users = { inits: listOf(pod.spec.initContainers).map(equip), containers: pod.spec.containers.map(equip) };
  const sidecar = podroleSidecar(pod, plan, settings);
  const first = mode === "native" ? sidecar : podroleInit(pod, plan, settings);
  const initContainers = place(users.inits, first, leadingMeshContainers(pod));
  const containers = mode === "native" ? users.containers : place(users.containers, sidecar, sidecarIndex);

  return {
    pod: {
      ...pod,
      metadata: mark(pod, containers),
      spec: {
        ...pod.spec,
        initContainers: [...initContainers],
        containers: [...containers],
        volumes: [...addByName(listOf(pod.spec.volumes), podroleVolumes(settings))],
      },
    },
    served: served.withRole,
    warnings: [
      ...warnings,
      ...contestedPorts(pod, ports).map((port) => warningOf("PORT_CONTESTED", port)),
      ...(mode === "classic" ? classicWarnings(pod, shares, plan, settings) : []),
      ...meshWarnings(pod, ports.health),
    ],
  };
}

/** Where podrole-sidecar stands already decides; else the pod's wish, as far as the cluster can; else the setting. */
function modeOf({ metadata, spec }: Pod, { nativeSidecar }: InjectSettings): ContainerPlan["mode"] {
  if (spec.containers.some(({ name }) => name === NAMES.sidecar)) return "classic";
  if (listOf(spec.initContainers).some(({ name }) => name === NAMES.sidecar)) return "native";
  return nativeSidecar && metadata.annotations?.[ANNOTATIONS.mode] !== "classic" ? "native" : "classic";
}

/** In classic mode an init container has come and gone before the sidecar starts: it is one without credentials. */
function withoutInitContainers(pod: Pod, { withRole, leftOut }: Shares): Shares {
  const early = earlyContainers(pod);
  return {
    withRole: withRole.filter((name) => !early.includes(name)),
    leftOut: [...leftOut, ...withRole.filter((name) => early.includes(name))],
  };
}

function earlyContainers({ spec }: Pod): readonly string[] {
  return listOf(spec.initContainers)
    .filter(({ restartPolicy }) => restartPolicy !== "Always")
    .map(({ name }) => name);
}

/**
 * `ours` at `index`, unless it is present: then it stays where it is. A podrole-init that an earlier version put before
 * a native sidecar stays too; it finds its work done, or does it.
 */
function place(present: readonly Container[], ours: Container, index: number): readonly Container[] {
  return present.some(({ name }) => name === ours.name) ? present : present.toSpliced(index, 0, ours);
}

function addByName(present: readonly Volume[], ours: readonly Volume[]): readonly Volume[] {
  return [...present, ...ours.filter(({ name }) => present.every((volume) => volume.name !== name))];
}

function mark({ metadata, spec }: Pod, containers: readonly Container[]): Pod["metadata"] {
  const first = spec.containers[0]?.name;
  const shown = metadata.annotations?.[DEFAULT_CONTAINER];
  // kubectl exec and logs take the first container, which in classic mode is now podrole's.
  const moved = containers[0]?.name !== first && shown === undefined && first !== undefined;
  return {
    ...metadata,
    labels: { ...metadata.labels, [LABELS.injected]: INJECTED_LABEL_VALUE },
    ...(moved && { annotations: { ...metadata.annotations, [DEFAULT_CONTAINER]: first } }),
  };
}

function classicWarnings(
  pod: Pod,
  { withRole }: Shares,
  { holdsOthersBack }: ContainerPlan,
  { nativeSidecar }: InjectSettings,
): readonly Warning[] {
  const early = earlyContainers(pod).filter((name) => withRole.includes(name));
  const { restartPolicy } = pod.spec;
  return [
    ...(!nativeSidecar && pod.metadata.annotations?.[ANNOTATIONS.mode] === "native"
      ? [warningOf("MODE_UNAVAILABLE")]
      : []),
    ...early.map((name) => warningOf("INIT_WITHOUT_CREDENTIALS", name)),
    ...(restartPolicy === "Never" || restartPolicy === "OnFailure"
      ? [warningOf("NEVER_COMPLETES", restartPolicy)]
      : []),
    ...(holdsOthersBack ? [] : [warningOf("STARTS_UNREADY")]),
  ];
}
