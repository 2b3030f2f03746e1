// The emulated STS as a program of a try installation: one account, the server's access key and two roles that trust
// it. Ends with exit code 1 if podrole is installed in the cluster, at start or later, so that no try installation runs
// beside a real one. States: checked → listening → ended, by `interrupted` or by the guard.
import { type Clock, sleep } from "../../src/runtime/clock.ts";
import type { Log } from "../../src/runtime/log.ts";
import type { Secret } from "../../src/runtime/secret.ts";
import { createStsEmulator } from "../sts/emulator.ts";
import { type RegisteredConfiguration, whyNotBeside } from "./installation-guard.ts";

/** What the program talks to. */
export interface TryStsDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly interrupted: AbortSignal;
  /** Rejects if the API server does not answer. */
  readonly listConfigurations: () => Promise<readonly RegisteredConfiguration[]>;
}

/** The server's access key, and where to listen. */
export interface TryStsOptions {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  readonly port: number;
  readonly host: string;
}

/** No account of AWS has this ID, so that no role of a try installation is one of AWS. */
const ACCOUNT = "000000000000";
const REGION = "us-east-1";
/** Roles that trust the server: the app's, and one that its namespace does not permit. */
export const TRY_ROLE_ARNS = ["try-orders", "try-payroll"].map((name) => `arn:aws:iam::${ACCOUNT}:role/${name}`);
const GUARD_PERIOD_MS = 5_000;

/**
 * Serves until the program is interrupted or podrole is installed; resolves with the exit code. Rejects if it cannot
 * start.
 */
export async function runTrySts(deps: TryStsDeps, options: TryStsOptions): Promise<number> {
  const { clock, log, listConfigurations } = deps;
  const reason = whyNotBeside(await listConfigurations());
  if (reason !== undefined) {
    log.error(reason);
    return 1;
  }
  const { accessKeyId, secretAccessKey, port, host } = options;
  const server = `arn:aws:iam::${ACCOUNT}:user/podrole-try-server`;
  const sts = createStsEmulator(
    {
      clock,
      onCall: ({ action, outcome, roleArn, callerArn }) =>
        log.info({ action, outcome, roleArn, callerArn }, "emulated STS answered"),
    },
    {
      region: REGION,
      keys: [{ accessKeyId, secretAccessKey, arn: server }],
      roles: TRY_ROLE_ARNS.map((arn) => ({ arn, trust: { principals: [server] } })),
    },
  );
  await sts.listen(port, host);
  log.warn(
    { url: sts.url, account: ACCOUNT, roles: TRY_ROLE_ARNS },
    "emulated STS of podrole-try is up: its credentials work nowhere in AWS",
  );
  const later = await waitForInstallation(deps);
  if (later !== undefined) log.error(later);
  await sts.close();
  return later === undefined ? 0 : 1;
}

/** Resolves with the reason once podrole is installed; undefined when the program is interrupted. */
async function waitForInstallation({
  clock,
  log,
  interrupted,
  listConfigurations,
}: TryStsDeps): Promise<string | undefined> {
  while (!interrupted.aborted) {
    await sleep(clock, GUARD_PERIOD_MS, interrupted);
    try {
      const reason = whyNotBeside(await listConfigurations());
      if (reason !== undefined) return reason;
    } catch (err) {
      if (!interrupted.aborted) log.warn({ err }, "cannot look for an installation of podrole; tries again");
    }
  }
  return undefined;
}
