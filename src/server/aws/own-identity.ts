// Who the server is in AWS: STS tells, and on EC2 the instance too. From it come the base ARN of short role names
// (--role-base-arn-autodetect) and whether sessions are chained. A server that STS does not know yet asks again, and
// says each time what it tried and what would do.
import { backoff, type Clock, sleep } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

export interface OwnIdentityDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Throws PodroleError when STS does not tell. */
  readonly callerArn: () => Promise<string>;
}

const ASK_AGAIN_MS = 3_000;
const ASK_AGAIN_AT_MOST_MS = 60_000;

/** The ARN of the principal that assumes roles; undefined when `signal` aborts first. */
export async function learnCallerArn({ clock, log, signal, callerArn }: OwnIdentityDeps): Promise<string | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    try {
      const arn = await callerArn();
      log.info({ callerArn: arn }, "STS knows this server");
      return arn;
    } catch (error) {
      log.warn({ err: error }, "cannot assume roles yet: STS does not tell who this server is");
      await sleep(clock, backoff(attempt, ASK_AGAIN_MS, ASK_AGAIN_AT_MOST_MS), signal);
    }
  }
  return undefined;
}

/**
 * The base ARN of the server's own account: by STS, else by the instance profile (kiam's way, which exists on EC2 only).
 * A server without it would refuse every short role name, so it waits; undefined when `signal` aborts first.
 */
export async function detectBaseArn({
  clock,
  log,
  signal,
  callerArn,
  instanceProfileArn,
}: OwnIdentityDeps & { readonly instanceProfileArn: () => Promise<string> }): Promise<string | undefined> {
  for (let attempt = 0; !signal.aborted; attempt++) {
    const failures: unknown[] = [];
    for (const [by, ask] of [
      ["STS", callerArn],
      ["the instance profile", instanceProfileArn],
    ] as const) {
      try {
        const arn = await ask();
        const baseArn = baseArnOf(arn);
        if (baseArn === undefined) throw new RangeError(`${by} told ${JSON.stringify(arn)}, which names no account`);
        log.info({ arn, baseArn }, `found the base ARN by ${by}`);
        return baseArn;
      } catch (error) {
        failures.push(error);
      }
    }
    const [err, instanceProfile] = failures;
    log.warn({ err, instanceProfile }, "cannot find the base ARN yet: neither STS nor an instance profile tells it");
    await sleep(clock, backoff(attempt, ASK_AGAIN_MS, ASK_AGAIN_AT_MOST_MS), signal);
  }
  return undefined;
}

/**
 * What goes before short role names in the account and partition of an ARN of IAM or STS, such as
 * "arn:aws:iam::123456789012:role/"; undefined for any other text.
 */
export function baseArnOf(arn: string): string | undefined {
  const [, partition, service, , account] = arn.split(":");
  if (partition === undefined || account === undefined || !/^\d{12}$/.test(account)) return undefined;
  return service === "sts" || service === "iam" ? `arn:${partition}:iam::${account}:role/` : undefined;
}
