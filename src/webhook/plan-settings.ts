// Converts the webhook's settings to those of plan(). The command line uses the same conversion.
import { policySettings } from "../policy/settings-table.ts";
import type { PlanSettings } from "../injection/plan.ts";
import type { WebhookSettings } from "./settings.ts";

export function planSettings(
  settings: WebhookSettings,
  { trustBundle, nativeSidecar }: { readonly trustBundle: string; readonly nativeSidecar: boolean },
): PlanSettings {
  return {
    image: settings.sidecarImage,
    serverAddress: settings.serverAddress,
    identityAddress: settings.identityAddress,
    serverName: settings.serverName,
    trustBundle,
    audience: settings.audience,
    runAsUser: settings.sidecarUser === "none" ? undefined : settings.sidecarUser,
    sidecarCommand: settings.sidecarCommand,
    resources: {
      cpuRequest: settings.sidecarCpuRequest,
      cpuLimit: settings.sidecarCpu,
      memoryRequest: settings.sidecarMemoryRequest,
      memoryLimit: settings.sidecarMemory,
      guaranteedSidecarCpu: settings.sidecarGuaranteedCpu,
    },
    region: settings.region,
    nativeSidecar,
    excludedNamespaces: [settings.trustConfigMap.namespace],
    policy: policySettings(settings),
  };
}
