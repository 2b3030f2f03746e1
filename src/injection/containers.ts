// podrole's own containers and volumes, as they stand in the pod. They pass PodSecurity "restricted", need no shell, and
// depend on no ServiceAccount token but their own.
import type { Container, EnvVar, Pod, Volume } from "../kubernetes/objects.ts";
import { NAMES, PATHS } from "./names.ts";
import type { SidecarPorts } from "./ports.ts";
import { type ResourceSettings, resourcesFor } from "./resources.ts";

/** As long as a pod usually has to end in; a passing trouble of the server or of STS is most often shorter. */
const HOOK_SECONDS = 30;

export interface ContainerSettings {
  /** Image of podrole's containers; its entrypoint takes "init", "serve" or "wait". */
  readonly image: string;
  /** host:port of the server's credentials port, as pods reach it. */
  readonly serverAddress: string;
  /** host:port of the server's identity port. */
  readonly identityAddress: string;
  /** Name that the server's certificate must carry. */
  readonly serverName: string;
  /** Concatenated PEM of the CAs to trust. */
  readonly trustBundle: string;
  /** Audience of the projected ServiceAccount token. */
  readonly audience: string;
  /** Undefined: left to the image and to the cluster's admission (OpenShift gives each namespace a range). */
  readonly runAsUser: number | undefined;
  /** The image's entrypoint written out, for a hook, where Kubernetes does not use it. Empty: no hook. */
  readonly sidecarCommand: readonly string[];
  readonly resources: ResourceSettings;
  /** AWS region of pods that set none; undefined: unknown. */
  readonly region: string | undefined;
}

/** What depends on the pod at hand. */
export interface ContainerPlan {
  readonly withRole: readonly string[];
  readonly ports: SidecarPorts;
  /** Instance metadata paths: none, with a token (IMDSv2), without one too. */
  readonly metadata: "off" | "v2" | "v1";
  /** "native": an init container that goes on running; "classic": an ordinary one. */
  readonly mode: "native" | "classic";
  /** By a postStart hook: the kubelet starts the next container when it is done. */
  readonly holdsOthersBack: boolean;
}

/**
 * Classic mode only: makes the tokens and waits for credentials before any container runs. A native sidecar does both
 * itself, because the kubelet takes up to a second to notice the end of each ordinary init container.
 */
export function podroleInit(pod: Pod, plan: ContainerPlan, settings: ContainerSettings): Container {
  const { init: resources } = resourcesFor(pod, settings.resources);
  return {
    name: NAMES.init,
    args: ["init"],
    ...commonParts(settings),
    env: [...commonEnv(plan, settings)],
    ...(resources && { resources }),
  };
}

/** Makes the tokens, proves the pod, keeps certificate and credentials fresh and answers the SDKs. */
export function podroleSidecar(pod: Pod, plan: ContainerPlan, settings: ContainerSettings): Container {
  const { sidecar: resources } = resourcesFor(pod, settings.resources);
  const { health } = plan.ports;
  return {
    name: NAMES.sidecar,
    args: ["serve"],
    ...commonParts(settings),
    ...(plan.mode === "native" && { restartPolicy: "Always" }),
    env: [...commonEnv(plan, settings), ...metadataEnv(plan, settings)],
    ...heldBack(plan, settings),
    // A sidecar that is slow because its node is busy still serves: killing it would fail the app's requests and make the
    // node busier. Kubernetes' defaults (1 s, three times) do just that.
    livenessProbe: { httpGet: { path: "/healthz", port: health }, timeoutSeconds: 10, failureThreshold: 6 },
    ...(resources && { resources }),
  };
}

/**
 * What keeps the next container from starting before tokens and credentials are there. A native sidecar has the hook or
 * the probe, not both: after a probe has passed, the kubelet goes on only when it next lists containers, up to a second
 * later, and it asks no sooner than a second after the pod's first sync. After a hook it goes on at once (1.36+).
 * While a hook runs, the kubelet neither deletes the pod nor shows the container's log: so the hook gives up early and the
 * container is started anew. (https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/)
 */
function heldBack({ mode, holdsOthersBack, ports }: ContainerPlan, { sidecarCommand }: ContainerSettings) {
  const probe = { httpGet: { path: "/readyz", port: ports.health }, periodSeconds: 1, failureThreshold: 300 };
  const command = [...sidecarCommand, "wait", `--init-timeout=${HOOK_SECONDS}s`];
  return {
    ...((mode === "classic" || !holdsOthersBack) && { startupProbe: probe }),
    ...(holdsOthersBack && { lifecycle: { postStart: { exec: { command } } } }),
  };
}

/** Variables whose value follows the pod and the cluster, also in containers that an earlier call injected. */
export function refresh(container: Container, plan: ContainerPlan, settings: ContainerSettings): Container {
  const current = new Map([containersVariable(plan), bundleVariable(settings)].map((fresh) => [fresh.name, fresh]));
  const env = container.env?.map((variable) => current.get(variable.name) ?? variable);
  return env ? { ...container, env } : container;
}

/** Every volume in memory, limited: a full one must not take the node's memory. */
export function podroleVolumes({ audience }: ContainerSettings): readonly Volume[] {
  const memory = { medium: "Memory", sizeLimit: "1Mi" };
  return [
    {
      name: NAMES.proofVolume,
      // 600 s is the shortest life that Kubernetes gives a token.
      projected: { sources: [{ serviceAccountToken: { audience, expirationSeconds: 600, path: "token" } }] },
    },
    { name: NAMES.identityVolume, emptyDir: memory },
    { name: NAMES.tokensVolume, emptyDir: memory },
  ];
}

function commonParts({ image, runAsUser }: ContainerSettings) {
  return {
    image,
    imagePullPolicy: "IfNotPresent",
    terminationMessagePath: PATHS.terminationMessage,
    terminationMessagePolicy: "FallbackToLogsOnError",
    // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ["ALL"] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      ...(runAsUser !== undefined && { runAsUser }),
      seccompProfile: { type: "RuntimeDefault" },
    },
    volumeMounts: [
      { name: NAMES.proofVolume, mountPath: PATHS.proof, readOnly: true },
      { name: NAMES.identityVolume, mountPath: PATHS.identity },
      { name: NAMES.tokensVolume, mountPath: PATHS.tokens },
    ],
  };
}

function commonEnv(plan: ContainerPlan, settings: ContainerSettings): readonly EnvVar[] {
  return [
    { name: "PODROLE_SERVER_ADDRESS", value: settings.serverAddress },
    { name: "PODROLE_IDENTITY_ADDRESS", value: settings.identityAddress },
    { name: "PODROLE_SERVER_NAME", value: settings.serverName },
    bundleVariable(settings),
    { name: "PODROLE_PROOF_FILE", value: `${PATHS.proof}/token` },
    { name: "PODROLE_IDENTITY_DIRECTORY", value: PATHS.identity },
    { name: "PODROLE_TOKENS_DIRECTORY", value: PATHS.tokens },
    containersVariable(plan),
    // In every container of podrole's: of a Service named "podrole" Kubernetes would make a PODROLE_PORT that is a URL.
    { name: "PODROLE_PORT", value: String(plan.ports.credentials) },
    { name: "PODROLE_HEALTH_PORT", value: String(plan.ports.health) },
    { name: "PODROLE_POD_NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
    { name: "PODROLE_POD_NAMESPACE", valueFrom: { fieldRef: { fieldPath: "metadata.namespace" } } },
    // `kubectl describe pod` shows what stands there: why there are no credentials.
    { name: "PODROLE_TERMINATION_MESSAGE_FILE", value: PATHS.terminationMessage },
  ];
}

/** From 1.35 on, Kubernetes copies these labels from the node to its pods (PodTopologyLabelsAdmission); else empty. */
function metadataEnv({ metadata }: ContainerPlan, { region }: ContainerSettings): readonly EnvVar[] {
  if (metadata === "off") return [];
  const label = (name: string) => ({ valueFrom: { fieldRef: { fieldPath: `metadata.labels['${name}']` } } });
  return [
    { name: "PODROLE_METADATA", value: "true" },
    ...(metadata === "v1" ? [{ name: "PODROLE_METADATA_V1", value: "true" }] : []),
    { name: "PODROLE_REGION", ...(region === undefined ? label("topology.kubernetes.io/region") : { value: region }) },
    { name: "PODROLE_ZONE", ...label("topology.kubernetes.io/zone") },
  ];
}

function containersVariable({ withRole }: ContainerPlan): EnvVar {
  return { name: "PODROLE_CONTAINERS", value: withRole.join(",") };
}

function bundleVariable({ trustBundle }: ContainerSettings): EnvVar {
  return { name: "PODROLE_TRUST_BUNDLE", value: trustBundle };
}
