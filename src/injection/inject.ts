// From a pod without podrole to a pod with it. Adds what is missing and nothing else, so that a second call, with
// changes by other webhooks in between, results in the same pod. Decides nothing: plan.ts has chosen the containers
// with a role.
import type { Container, Pod, Volume } from "../kubernetes/objects.ts";
import { INJECTED_VALUE, LABELS } from "../policy/annotations.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { classicGraceSeconds, classicWarnings, modeOf, type Participants, withoutInitContainers } from "./classic.ts";
import {
  type ContainerPlan,
  type ContainerSettings,
  podroleInit,
  podroleSidecar,
  podroleVolumes,
} from "./containers.ts";
import { addCredentials, type ContainerChange, disableMetadata } from "./environment.ts";
import {
  hasProxyFrom,
  isCutOffBy,
  isNativeProxy,
  leadingMeshContainers,
  leadingMeshProxies,
  meshWarnings,
} from "./mesh.ts";
import { DEFAULT_CONTAINER_ANNOTATION, PODROLE_NAMES } from "./names.ts";
import { requestedMetadata } from "./pod-annotations.ts";
import { hasPodCertificate } from "./pod-certificates.ts";
import { choosePorts, conflictingPorts } from "./ports.ts";
import { withPullSecrets } from "./pull-secrets.ts";
import { refreshOwnContainer } from "./refresh.ts";
import { listOf } from "./shape.ts";
import { chooseGate } from "./start-gate.ts";
import { tokenDirectoryOf } from "./token-mount.ts";
import { type Warning, warningOf } from "./warnings.ts";

/** Settings of injection, independent of roles. */
export interface InjectSettings extends ContainerSettings {
  /** False when the cluster is older than 1.29, or its operator chose ordinary containers. */
  readonly nativeSidecar: boolean;
}

/** The result of injection. */
export interface Injected {
  readonly pod: Pod;
  /** Containers that the sidecar serves: in classic mode without ordinary init containers. */
  readonly served: ReadonlySet<string>;
  readonly warnings: readonly Warning[];
}

/** Injects podrole for the given containers of the pod. Never changes its input. */
export function inject(pod: Pod, participants: Participants, settings: InjectSettings): Injected {
  const planned = planContainers(pod, participants, settings);
  const { plan, served } = planned;
  const { mode, ports } = plan;
  const sidecar = podroleSidecar(pod, plan, settings);
  const init = podroleInit(pod, plan, settings);
  const change = (container: Container): ContainerChange => {
    if (!isPodroleContainer(container)) return changeContainer(container, pod, planned, settings);
    const fresh = container.name === sidecar.name ? sidecar : init;
    return { container: refreshOwnContainer(container, fresh, settings), warnings: [] };
  };
  const changed = { inits: listOf(pod.spec.initContainers).map(change), containers: pod.spec.containers.map(change) };
  const inits = changed.inits.map(({ container }) => container);
  const apps = changed.containers.map(({ container }) => container);
  const first = mode === "native" ? sidecar : init;
  const isFirst = ({ name }: Container) => name === first.name;
  const isBlocked = (container: Container) =>
    (served.has(container.name) && !isNativeProxy(container)) || isCutOffBy(pod, container);
  const withFirst = insertInOrder(inits, first, leadingMeshContainers(pod), isBlocked);
  const initContainers =
    plan.gate === "init" ? insertInOrder(withFirst, init, withFirst.findIndex(isFirst) + 1, isBlocked) : withFirst;
  const containers = mode === "native" ? apps : insertInOrder(apps, sidecar, leadingMeshProxies(pod), isBlocked);

  return {
    pod: {
      ...pod,
      metadata: injectedMetadata(pod, containers),
      spec: {
        ...pod.spec,
        initContainers: [...initContainers],
        containers: [...containers],
        volumes: [...withVolumes(listOf(pod.spec.volumes), podroleVolumes(settings))],
        ...withPullSecrets(pod, settings.pullSecrets),
      },
    },
    served,
    warnings: [
      ...[...changed.inits, ...changed.containers].flatMap(({ warnings }) => warnings),
      ...conflictingPorts(pod, ports).map((port) => warningOf("PORT_CONFLICT", port)),
      ...(mode === "classic" ? classicWarnings(pod, participants, { ...settings, ...plan }) : []),
      ...meshWarnings(pod, ports.health),
    ],
  };
}

function changeContainer(
  container: Container,
  { spec }: Pod,
  { plan, served, withoutRole }: ReturnType<typeof planContainers>,
  settings: InjectSettings,
): ContainerChange {
  if (withoutRole.has(container.name)) return { container: disableMetadata(container), warnings: [] };
  if (!served.has(container.name)) return { container, warnings: [] };
  const { ports, metadata } = plan;
  return addCredentials(container, {
    port: ports.credentials,
    region: settings.region,
    hasMetadata: metadata !== "off",
    tokenDirectory: tokenDirectoryOf(container, spec.volumes),
  });
}

function planContainers(pod: Pod, participants: Participants, settings: InjectSettings) {
  const mode = modeOf(pod, settings.nativeSidecar);
  const served = mode === "native" ? participants : withoutInitContainers(pod, participants);
  // The kubelet starts a proxy that is an ordinary container only after the hook, which would wait for that proxy.
  const isCutOff = mode === "classic" && hasProxyFrom(pod, leadingMeshProxies(pod));
  const plan: ContainerPlan = {
    withRole: served.withRole,
    pin: served.pin,
    ports: choosePorts(pod),
    metadata: requestedMetadata(pod.metadata.annotations),
    mode,
    appGraceSeconds: mode === "classic" ? classicGraceSeconds(pod) : 0,
    gate: chooseGate(pod, { mode, isCutOff }, settings),
  };
  return { plan, served: new Set(served.withRole), withoutRole: new Set(served.withoutRole) };
}

/**
 * Inserts `ours` at `index`. If it is present, it stays where it is, unless it would start after a container that waits
 * for it: another webhook has put that container in front, and the pod would never start. A podrole-init that an
 * earlier version put before a native sidecar stays too; it finds its work done, or does it.
 */
function insertInOrder(
  present: readonly Container[],
  ours: Container,
  index: number,
  isBlocked: (container: Container) => boolean,
): readonly Container[] {
  const at = present.findIndex(({ name }) => name === ours.name);
  const own = present[at];
  if (own === undefined) return present.toSpliced(index, 0, ours);
  return present.slice(0, at).some(isBlocked) ? present.toSpliced(at, 1).toSpliced(index, 0, own) : present;
}

/** Adds our volumes. A present proof stays, unless it is of the other kind than the containers expect now. */
function withVolumes(present: readonly Volume[], ours: readonly Volume[]): readonly Volume[] {
  const proof = ours.find(({ name }) => name === PODROLE_NAMES.proofVolume);
  const kept = present.map((volume) =>
    proof && volume.name === proof.name && hasPodCertificate(volume) !== hasPodCertificate(proof) ? proof : volume,
  );
  return [...kept, ...ours.filter(({ name }) => present.every((volume) => volume.name !== name))];
}

function injectedMetadata({ metadata, spec }: Pod, containers: readonly Container[]): Pod["metadata"] {
  const first = spec.containers[0]?.name;
  const chosen = metadata.annotations?.[DEFAULT_CONTAINER_ANNOTATION];
  // kubectl exec and logs use the first container, which in classic mode is now podrole's.
  const hasMoved = containers[0]?.name !== first && chosen === undefined && first !== undefined;
  return {
    ...metadata,
    labels: { ...metadata.labels, [LABELS.injected]: INJECTED_VALUE },
    ...(hasMoved && { annotations: { ...metadata.annotations, [DEFAULT_CONTAINER_ANNOTATION]: first } }),
  };
}
