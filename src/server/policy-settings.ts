// From the server's settings to the policy's: the one place where the base ARN may have to be asked for.
import type { PolicySettings } from "../policy/decide.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { ServerSettings } from "./settings.ts";
import { baseArnOf } from "./sts.ts";

export function policySettings(settings: ServerSettings, baseArn: string | undefined): PolicySettings {
  const { session } = settings;
  return {
    baseArn,
    strictNamespaceRegexp: !settings.disableStrictNamespaceRegexp,
    allowedRolesFormat: settings.allowedRolesFormat,
    sessionName:
      session === undefined ? { kind: "template", template: settings.sessionName } : { kind: "kiam", session },
    sessionDurationMs: settings.sessionDuration,
    ...(settings.maxSessionDuration !== undefined && { maxSessionDurationMs: settings.maxSessionDuration }),
    ...(settings.firstHops && { firstHops: settings.firstHops }),
    ...(settings.sessionTagLabels && { sessionTagLabels: settings.sessionTagLabels }),
    sessionTags: settings.sessionTags,
    clusterName: settings.clusterName,
    sourceIdentity: settings.sourceIdentity,
    defaultRole: settings.defaultRole,
  };
}

/** The base ARN as set, or as STS tells it: a server without it would refuse every short role name, so it waits. */
export async function findBaseArn(
  { clock, log, signal, callerArn }: { clock: Clock; log: Log; signal: AbortSignal; callerArn: () => Promise<string> },
  { roleBaseArn, roleBaseArnAutodetect }: Pick<ServerSettings, "roleBaseArn" | "roleBaseArnAutodetect">,
): Promise<string | undefined> {
  if (!roleBaseArnAutodetect) return roleBaseArn;
  while (!signal.aborted) {
    try {
      const arn = await callerArn();
      log.info({ callerArn: arn, baseArn: baseArnOf(arn) }, "found the base ARN by STS");
      return baseArnOf(arn);
    } catch (error) {
      log.warn({ err: error }, "cannot find the base ARN yet: STS does not tell the server's own account");
      await sleep(clock, 3_000, signal);
    }
  }
  return undefined;
}
