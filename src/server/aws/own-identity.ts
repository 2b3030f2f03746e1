// The server's own identity in AWS, reported by STS and, on EC2, by the instance. The base ARN of short role names
// (--role-base-arn-autodetect) and the cap on chained sessions depend on it. A server that STS does not answer yet
// retries, and logs each time what it tried and which credentials it accepts.
import { baseArnOfAccount } from "../../policy/role.ts";
import { backoff, type Clock, sleep } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

export interface OwnIdentityDeps {
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the retries. */
  readonly signal: AbortSignal;
  /** ARN of the server's principal. Rejects with PodroleError if STS does not return it. */
  readonly callerArn: () => Promise<string>;
}

const FIRST_IDENTITY_RETRY_MS = 3_000;
const MAX_IDENTITY_RETRY_MS = 60_000;

/** Resolves with the ARN of the principal that assumes roles; undefined if `signal` aborts first. */
export async function waitForCallerArn({
  clock,
  log,
  signal,
  callerArn,
}: OwnIdentityDeps): Promise<string | undefined> {
  return retryUntilFound({ clock, signal }, async () => {
    try {
      const arn = await callerArn();
      log.info({ callerArn: arn }, "STS returned the identity of this server");
      return arn;
    } catch (error) {
      log.warn({ err: error }, "cannot assume roles yet: STS does not return this server's identity");
      return undefined;
    }
  });
}

/**
 * Resolves with the base ARN of the server's own account, from STS or else from the instance profile (as kiam does; EC2
 * only). Without it every short role name would be refused, so it retries; undefined if `signal` aborts first.
 */
export async function detectBaseArn({
  clock,
  log,
  signal,
  callerArn,
  instanceProfileArn,
}: OwnIdentityDeps & { readonly instanceProfileArn: () => Promise<string> }): Promise<string | undefined> {
  const sources = [
    ["STS", callerArn],
    ["the instance profile", instanceProfileArn],
  ] as const;
  return retryUntilFound({ clock, signal }, async () => {
    const failures: unknown[] = [];
    for (const [source, readArn] of sources) {
      try {
        const arn = await readArn();
        const baseArn = baseArnOf(arn);
        if (baseArn === undefined) {
          throw new Error(`Cannot read the account from ${source}: ${JSON.stringify(arn)}; expected an ARN of IAM`);
        }
        log.info({ arn, baseArn }, `found the base ARN by ${source}`);
        return baseArn;
      } catch (error) {
        failures.push(error);
      }
    }
    const [err, instanceProfile] = failures;
    log.warn(
      { err, instanceProfile },
      "cannot find the base ARN yet: neither STS nor an instance profile returned an ARN",
    );
    return undefined;
  });
}

/**
 * Calls `find`, which logs its failures, with back-off until it resolves with a value; undefined if `signal` aborts
 * first.
 */
async function retryUntilFound<Value>(
  { clock, signal }: Pick<OwnIdentityDeps, "clock" | "signal">,
  find: () => Promise<Value | undefined>,
): Promise<Value | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const found = await find();
    if (found !== undefined) return found;
    await sleep(clock, backoff(attempt, FIRST_IDENTITY_RETRY_MS, MAX_IDENTITY_RETRY_MS), signal);
  }
  return undefined;
}

/**
 * The prefix of short role names in the account and partition of an IAM or STS ARN, such as
 * "arn:aws:iam::123456789012:role/"; undefined for any other text.
 */
export function baseArnOf(arn: string): string | undefined {
  const [, partition, service] = arn.split(":");
  const account = awsAccountOf(arn);
  if (partition === undefined || account === undefined) return undefined;
  return service === "sts" || service === "iam" ? baseArnOfAccount(account, partition) : undefined;
}

/** The account in an ARN; undefined for an ARN without one, and for any other text. */
export function awsAccountOf(arn: string): string | undefined {
  const [, , , , account = ""] = arn.split(":");
  return /^\d{12}$/.test(account) ? account : undefined;
}
