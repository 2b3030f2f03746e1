// Logs why the server cannot use STS (its own credentials, the network, expired sessions) with the cause, which is for
// operators only: pods get the short message. States of each code: quiet → reported (for a minute, during which further
// failures are only counted) → quiet.
import { type ErrorCode, PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { createSampler } from "../../runtime/sampler.ts";
import type { AssumeRole } from "./sts.ts";

export interface StsOutageLogDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly assumeRole: AssumeRole;
}

const OUTAGE_CODES: ReadonlySet<ErrorCode> = new Set(["STS_UNAVAILABLE", "SESSION_EXPIRED"]);

/**
 * Wraps `assumeRole`: logs STS_UNAVAILABLE and SESSION_EXPIRED at most once a minute each, with the number of failures
 * since the last line.
 */
export function logStsOutages({ clock, log, assumeRole }: StsOutageLogDeps): AssumeRole {
  const sampler = createSampler({ clock }, { most: 1 });
  return async (input) => {
    try {
      return await assumeRole(input);
    } catch (error) {
      if (error instanceof PodroleError && OUTAGE_CODES.has(error.code)) {
        const omitted = sampler.take(error.code);
        if (omitted !== undefined) {
          log.warn({ code: error.code, err: error.cause, times: omitted + 1 }, error.message);
        }
      }
      throw error;
    }
  };
}
