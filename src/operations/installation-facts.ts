// What remedies and next commands depend on in podrole's installation, so that they name what applies instead of what
// would apply if. Pure.
import type { ResourceSettings } from "../injection/resources.ts";
import { sidecarSizes } from "../settings/plan-settings.ts";
import type { Deployment, Installed } from "./installed.ts";
import { deploymentOf } from "./installed.ts";
import { type InstalledBy, installerOf } from "./installer.ts";
import type { RunningPods } from "./running-pods.ts";

/** What is known of the installation; what is unknown is absent. */
export interface InstallationFacts {
  readonly installer?: InstalledBy;
  /** podrole's own namespace. */
  readonly namespace?: string;
  /** podrole's version, by the tag of an image. */
  readonly version?: string;
  /** Whether a MutatingWebhookConfiguration has podrole's webhook. */
  readonly isRegistered?: boolean;
  /** Whether the server tags sessions, which needs sts:TagSession. */
  readonly hasSessionTags?: boolean;
  /** Whether the server gives pods what the webhook has pinned. */
  readonly isPinning?: boolean;
  /** What precedes short names of roles. */
  readonly baseArn?: string;
  /** Address of an STS that is not of AWS, which the server calls instead; absent if it calls that of AWS. */
  readonly emulatedSts?: string;
  /** Sizes of podrole's containers, as the webhook's settings say. */
  readonly sidecarSizes?: ResourceSettings;
  /** Lifetime of sessions, in milliseconds. */
  readonly sessionMs?: number;
  /** What pods do now; read only if something is wrong that concerns all of them. */
  readonly running?: RunningPods;
}

/** Returns what Deployments and settings say. */
export function installationFacts(
  deployments: readonly Deployment[],
  installed: Partial<Installed>,
  isRegistered?: boolean,
): InstallationFacts {
  const own = (["server", "webhook"] as const).flatMap((program) => deploymentOf(program, deployments) ?? []);
  const installer = installerOf(own);
  const settings = installed.server?.settings;
  const baseArn = installed.webhook?.settings?.roleBaseArn ?? settings?.roleBaseArn;
  const webhook = installed.webhook?.settings;
  const namespace = own[0]?.metadata.namespace;
  const version = versionOf(installed.server?.image ?? installed.webhook?.image);
  return {
    ...(installer && { installer }),
    ...(namespace !== undefined && { namespace }),
    ...(version !== undefined && { version }),
    ...(isRegistered !== undefined && { isRegistered }),
    ...(settings && {
      hasSessionTags: settings.sessionTags || settings.sessionTagLabels !== undefined,
      isPinning: settings.pinRoles,
      sessionMs: settings.sessionDuration,
      ...(isEmulated(settings.stsEndpoint) && { emulatedSts: settings.stsEndpoint }),
    }),
    ...(webhook && { sidecarSizes: sidecarSizes(webhook) }),
    ...(baseArn !== undefined && { baseArn }),
  };
}

/** Undefined for an image that is named by its digest alone, or with a tag of another kind. */
function versionOf(image = ""): string | undefined {
  return /:v?(\d+\.\d+\.\d+(?:-[\w.]+)?)(?:@|$)/.exec(image)?.[1];
}

/**
 * Domains of AWS in all partitions.
 * (https://docs.aws.amazon.com/sdkref/latest/guide/feature-ss-endpoints.html)
 */
const AWS_HOST =
  /\.(?:amazonaws\.(?:com|com\.cn|eu)|api\.aws|c2s\.ic\.gov|sc2s\.sgov\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;

/** Whether the address is not of AWS. */
export function isEmulated(endpoint: string | undefined): endpoint is string {
  return endpoint !== undefined && !(URL.canParse(endpoint) && AWS_HOST.test(new URL(endpoint).hostname));
}
