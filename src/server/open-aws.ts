// Opens the way to AWS, from STS outwards: client, metrics, outage log, limiter, cache. Then it finds out who the
// server is in AWS, because the base ARN of short role names and the longest session depend on it.
import type { PolicySettings } from "../policy/decide.ts";
import { capForRoleChaining } from "../policy/role-chaining.ts";
import { policySettings } from "../policy/settings-table.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import type { ServerSettings } from "../settings/server.ts";
import { type CredentialCache, createCredentialCache } from "./aws/credential-cache.ts";
import { readInstanceProfileArn } from "./aws/instance-profile.ts";
import { type OwnCredentialsCheck, startOwnCredentialsCheck } from "./aws/own-credentials.ts";
import { awsAccountOf, detectBaseArn, waitForCallerArn } from "./aws/own-identity.ts";
import { createSts, type Sts } from "./aws/sts.ts";
import { createStsLimiter, type StsLimiter } from "./aws/sts-limiter.ts";
import { logStsOutages } from "./aws/sts-outage-log.ts";
import { createStsTally, type StsTally } from "./aws/sts-tally.ts";
import { measureSts } from "./observability/measure.ts";
import type { ServerMetrics } from "./observability/metrics.ts";

/** What the rest of the server uses of AWS. */
export interface OpenedAws {
  readonly cache: CredentialCache;
  readonly limiter: Pick<StsLimiter, "waiting" | "topNamespace" | "usage">;
  readonly tally: Pick<StsTally, "counts">;
  readonly ownCredentials: OwnCredentialsCheck;
  /** The policy settings in force: sessions are capped once STS reports that the server is itself a role session. */
  readonly policy: () => PolicySettings;
  /** The account of the principal that assumes roles; undefined until STS has returned it. */
  readonly account: () => string | undefined;
}

interface AwsDeps extends Pick<ProgramDeps, "clock" | "log" | "shutdown"> {
  readonly metrics: ServerMetrics;
}

/** Per request: outside EC2 nothing answers at the address of the instance metadata service. */
const INSTANCE_METADATA_TIMEOUT_MS = 1_000;

/** Opens STS; with `--role-base-arn-autodetect` it waits until the base ARN is known or the server stops. */
export async function openAws(deps: AwsDeps, settings: ServerSettings): Promise<OpenedAws> {
  const { clock, log, shutdown } = deps;
  const sts = openSts(deps, settings);
  const tally = createStsTally({ clock });
  const limiter = openLimiter(deps, settings, { sts, tally });
  const cacheOptions = { capacity: settings.credentialCacheSize };
  const cache = createCredentialCache({ clock, assumeRole: limiter.assumeRole }, cacheOptions);

  const { signal } = shutdown;
  const ownCredentials = startOwnCredentialsCheck({ clock, log, signal, findCredentials: () => sts.findCredentials() });
  const identityDeps = { clock, log, signal, callerArn: () => sts.callerArn() };
  const instanceMetadata = { endpoint: settings.instanceMetadata, timeoutMs: INSTANCE_METADATA_TIMEOUT_MS };
  const instanceProfileArn = () => readInstanceProfileArn({ fetch }, instanceMetadata);
  const detectedBaseArn =
    settings.roleBaseArn === undefined && settings.roleBaseArnAutodetect
      ? await detectBaseArn({ ...identityDeps, instanceProfileArn })
      : undefined;

  let policy = policySettings(settings, detectedBaseArn);
  let account: string | undefined;
  // Not awaited: a server that STS does not answer yet still serves its ports.
  void waitForCallerArn(identityDeps).then((callerArn = "") => {
    account = awsAccountOf(callerArn);
    policy = capForRoleChaining(policy, callerArn);
    const { sessionCapMs: cap, sessionDurationMs, maxSessionDurationMs = sessionDurationMs } = policy;
    if (cap !== undefined && maxSessionDurationMs > cap) {
      log.warn({ callerArn }, "sessions last 1h at most: the server is itself a session of a role (role chaining)");
    }
  });
  return { cache, limiter, tally, ownCredentials, policy: () => policy, account: () => account };
}

function openSts({ clock, shutdown }: AwsDeps, settings: ServerSettings): Sts {
  const sts = createSts(
    { clock },
    {
      region: settings.region,
      endpoint: settings.stsEndpoint,
      usesFips: settings.fips,
      usesDualStack: settings.dualStack,
      hopRoleArn: settings.assumeRoleArn,
      credentialProcess: settings.credentialProcess,
      timeoutMs: settings.stsTimeout,
    },
  );
  shutdown.onClose("STS client", () => sts.close());
  return sts;
}

function openLimiter(
  { clock, log, metrics }: AwsDeps,
  settings: ServerSettings,
  { sts, tally }: { readonly sts: Sts; readonly tally: StsTally },
): StsLimiter {
  return createStsLimiter(
    {
      clock,
      assumeRole: logStsOutages({ clock, log, assumeRole: measureSts(tally.counted(sts.assumeRole), metrics) }),
      onLimited(reason, retryAfterMs) {
        tally.heldBack(reason);
        metrics.stsLimited.observe({ reason }, retryAfterMs / 1000);
      },
    },
    { ratePerSecond: settings.stsRate, burst: settings.stsBurst },
  );
}
