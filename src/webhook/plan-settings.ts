// From the webhook's settings to what plan() takes; the command line's `inject` shares it.
import type { PolicySettings } from "../policy/decide.ts";
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

/** What concerns sessions alone is the server's; the values here only let plan() check annotations early. */
export function policySettings(settings: WebhookSettings): PolicySettings {
  return {
    baseArn: settings.roleBaseArn,
    strictNamespaceRegexp: !settings.disableStrictNamespaceRegexp,
    allowedRolesFormat: settings.allowedRolesFormat,
    sessionName: { kind: "template", template: "{namespace}.{pod}" },
    sessionDurationMs: settings.sessionDuration,
    sessionTags: false,
    sourceIdentity: false,
    clusterName: undefined,
    defaultRole: settings.defaultRole,
  };
}
