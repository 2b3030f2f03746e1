// podrole's own containers and volumes as they appear in the pod. They comply with PodSecurity "restricted", need no
// shell, and use no ServiceAccount token but the projected one of podrole's own audience.
import type { Container, Pod, Volume } from "../kubernetes/objects.ts";
import { MOUNT_PATHS, PODROLE_NAMES } from "./names.ts";
import { proofSources } from "./pod-certificates.ts";
import { type PodroleEnvPlan, type PodroleEnvSettings, podroleEnv, sidecarEnv } from "./podrole-env.ts";
import { holdingResources, type PodroleResources, type ResourceSettings, resourcesFor } from "./resources.ts";
import { podroleSecurityContext, type SecuritySettings } from "./security-context.ts";

/**
 * The usual grace period of a pod (terminationGracePeriodSeconds); most outages of the server or of STS are shorter.
 */
const HOOK_TIMEOUT_SECONDS = 30;

/** A startup probe waits for so long before the kubelet restarts the sidecar. */
const PROBE_SECONDS = 300;
const DAY_SECONDS = 86_400;

/**
 * A probe waits behind the connections that strangers open, and TCP repeats it after 1 s, 3 s, 7 s and 15 s (RFC 6298)
 * while the kernel's queue for the port is full (sidecar/http/servers.ts). With Kubernetes' default of 1 s, strangers
 * could make the kubelet restart the sidecar for ever.
 */
const PROBE_TIMEOUT_SECONDS = 30;

/** Settings of podrole's containers that are the same for every pod of the cluster. */
export interface ContainerSettings extends PodroleEnvSettings, SecuritySettings {
  /** Image of podrole's containers; its entrypoint accepts "init", "serve" or "wait". */
  readonly image: string;
  /** Secrets in the pod's namespace with which the kubelet pulls the image, if the pod's own do not suffice. */
  readonly pullSecrets: readonly string[];
  /** Audience of the projected ServiceAccount token. */
  readonly audience: string;
  /** The image's entrypoint, repeated for the postStart hook, to which Kubernetes does not apply it. Empty: no hook. */
  readonly sidecarCommand: readonly string[];
  readonly resources: ResourceSettings;
  /** Requests and limits that fit the namespace's rules; absent: as resourcesFor() chooses them. */
  readonly fitted?: PodroleResources;
}

/** What podrole's containers in one pod look like. */
export interface ContainerPlan extends PodroleEnvPlan {
  /** "native": an init container with restartPolicy Always; "classic": an ordinary container. */
  readonly mode: "native" | "classic";
}

/**
 * Builds podrole-init. In classic mode it creates the tokens and waits for credentials before any other container runs.
 * After the native sidecar of a Guaranteed pod it does the first renewal with CPU that the pod has reserved anyway, and
 * waits for the sidecar. Other native sidecars do without it, because the kubelet takes up to a second to notice that
 * an ordinary init container has ended.
 */
export function podroleInit(pod: Pod, plan: ContainerPlan, settings: ContainerSettings): Container {
  const all = settings.fitted ?? resourcesFor(pod, settings.resources);
  const resources = plan.gate === "init" ? (holdingResources(pod, all) ?? all.init) : all.init;
  return {
    name: PODROLE_NAMES.init,
    args: [plan.gate === "init" ? "hold" : "init"],
    ...commonParts(pod, settings),
    env: [...podroleEnv(plan, settings)],
    ...(resources && { resources }),
  };
}

/**
 * Builds podrole-sidecar: it creates the tokens, proves the pod, renews certificate and credentials, and serves SDKs.
 */
export function podroleSidecar(pod: Pod, plan: ContainerPlan, settings: ContainerSettings): Container {
  const { sidecar: resources } = settings.fitted ?? resourcesFor(pod, settings.resources);
  const { health } = plan.ports;
  return {
    name: PODROLE_NAMES.sidecar,
    args: ["serve"],
    ...commonParts(pod, settings),
    ...(plan.mode === "native" && { restartPolicy: "Always" }),
    env: [...podroleEnv(plan, settings), ...sidecarEnv(plan, settings)],
    ...startGate(pod, plan, settings),
    // A sidecar that is slow because its node is busy still serves: restarting it would fail the app's requests and add
    // to the node's load. Kubernetes' defaults (1 s, three times) would restart it.
    livenessProbe: {
      httpGet: { path: "/healthz", port: health },
      timeoutSeconds: PROBE_TIMEOUT_SECONDS,
      failureThreshold: 6,
    },
    ...(resources && { resources }),
  };
}

/**
 * Delays the next container until tokens and credentials are present. A native sidecar has either the hook or the
 * probe: after a probe has passed, the kubelet continues only when it next lists containers, up to a second later, and
 * it probes no earlier than a second after the pod's first sync. After a hook it continues at once (1.36+). While a
 * hook runs, the kubelet neither deletes the pod nor shows the container's log, so the hook times out early and the
 * container restarts.
 * (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/)
 */
function startGate(pod: Pod, { mode, gate, ports }: ContainerPlan, { sidecarCommand }: ContainerSettings) {
  const failureThreshold = waitsWithoutRestart(pod, mode) ? DAY_SECONDS : PROBE_SECONDS;
  const httpGet = { path: "/readyz", port: ports.health };
  const probe = { httpGet, periodSeconds: 1, timeoutSeconds: PROBE_TIMEOUT_SECONDS, failureThreshold };
  const command = [...sidecarCommand, "wait", `--init-timeout=${HOOK_TIMEOUT_SECONDS}s`];
  return {
    ...((mode === "classic" || gate === "probe") && { startupProbe: probe }),
    ...(gate === "hook" && { lifecycle: { postStart: { exec: { command } } } }),
  };
}

/**
 * Reports whether podrole-sidecar waits for the first credentials without a restart, behind a probe: where a Job counts
 * each restart of a container as a failure. docs/adr/waiting-for-credentials.md has the reasons.
 * (https://kubernetes.io/docs/concepts/workloads/controllers/job/#pod-backoff-failure-policy)
 */
export function waitsWithoutRestart(pod: Pod, mode: ContainerPlan["mode"]): boolean {
  return mode === "native" && pod.spec.restartPolicy === "OnFailure";
}

/**
 * Volumes of an injected pod, all in memory and limited in size so that a full one cannot exhaust the node's memory.
 */
export function podroleVolumes(settings: ContainerSettings): readonly Volume[] {
  const memory = { medium: "Memory", sizeLimit: "1Mi" };
  return [
    { name: PODROLE_NAMES.proofVolume, projected: { sources: proofSources(settings) } },
    { name: PODROLE_NAMES.identityVolume, emptyDir: memory },
    { name: PODROLE_NAMES.tokensVolume, emptyDir: memory },
  ];
}

function commonParts(pod: Pod, settings: ContainerSettings) {
  return {
    image: settings.image,
    imagePullPolicy: "IfNotPresent",
    terminationMessagePath: MOUNT_PATHS.terminationMessage,
    terminationMessagePolicy: "FallbackToLogsOnError",
    securityContext: podroleSecurityContext(pod, settings),
    volumeMounts: [
      { name: PODROLE_NAMES.proofVolume, mountPath: MOUNT_PATHS.proof, readOnly: true },
      { name: PODROLE_NAMES.identityVolume, mountPath: MOUNT_PATHS.identity },
      { name: PODROLE_NAMES.tokensVolume, mountPath: MOUNT_PATHS.tokens },
      // Keeps the pod's token for the Kubernetes API out of podrole's containers.
      // (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#serviceaccount)
      { name: PODROLE_NAMES.proofVolume, mountPath: MOUNT_PATHS.apiToken, readOnly: true },
    ],
  };
}
