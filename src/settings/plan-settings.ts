// From the webhook's settings to those of plan(). The command line uses it too, so that it plans as the webhook does.
import type { PlanSettings } from "../injection/plan.ts";
import type { ResourceSettings } from "../injection/resources.ts";
import { policySettings } from "../policy/settings-table.ts";
import type { WebhookSettings } from "./webhook.ts";

/** What only the cluster can tell. */
export interface ClusterFacts {
  readonly trustBundle: string;
  readonly nativeSidecar: boolean;
  /** Whether the server has published that new pods can have a pod certificate; default false. */
  readonly knowsPodCertificates?: boolean;
}

/** Builds the settings of plan() from the webhook's flags and the cluster. */
export function planSettings(
  settings: WebhookSettings,
  { trustBundle, nativeSidecar, knowsPodCertificates = false }: ClusterFacts,
): PlanSettings {
  const { podCertificates } = settings;
  return {
    image: settings.sidecarImage,
    serverAddress: settings.serverAddress,
    identityAddress: settings.identityAddress,
    serverName: settings.serverName,
    trustBundle,
    podCertificates: podCertificates === "auto" ? knowsPodCertificates : podCertificates === "on",
    pullSecrets: settings.sidecarPullSecrets,
    audience: settings.audience,
    runAsUser: unlessNone(settings.sidecarUser),
    runAsGroup: settings.sidecarUser === "none" ? undefined : unlessNone(settings.sidecarGroup),
    sidecarCommand: settings.sidecarCommand,
    resources: sidecarSizes(settings),
    region: settings.region,
    nativeSidecar,
    excludedNamespaces: [settings.trustConfigMap.namespace],
    policy: policySettings(settings),
  };
}

/** Builds the sizes of podrole's containers from the webhook's flags. */
export function sidecarSizes(settings: WebhookSettings): ResourceSettings {
  return {
    cpuRequest: unlessNone(settings.sidecarCpuRequest),
    cpuLimit: unlessNone(settings.sidecarCpu),
    memoryRequest: unlessNone(settings.sidecarMemoryRequest),
    memoryLimit: unlessNone(settings.sidecarMemory),
    guaranteedSidecarCpu: settings.sidecarGuaranteedCpu,
  };
}

function unlessNone<Value>(value: Value | "none"): Value | undefined {
  return value === "none" ? undefined : value;
}

interface Version {
  readonly major: number;
  readonly minor: number;
}

/** The first minor version of Kubernetes 1 that enables native sidecars by default. */
export const MIN_NATIVE_MINOR = 29;

/** Reports whether this version of Kubernetes enables native sidecars by default. */
export function hasNativeSidecars({ major, minor }: Version): boolean {
  return major > 1 || minor >= MIN_NATIVE_MINOR;
}

/**
 * Decides whether pods get a native sidecar: by the setting, or for "auto" by the API server's version. A version that
 * is unknown (undefined) counts as one that enables them.
 */
export function choosesNativeSidecar(setting: WebhookSettings["nativeSidecar"], version: Version | undefined): boolean {
  if (setting !== "auto") return setting === "true";
  return version === undefined || hasNativeSidecars(version);
}
