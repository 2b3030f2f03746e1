// Logs why the server cannot use STS (its own credentials, the network) with the cause, which is for operators only: pods
// get the short message. States: quiet → reported (for a minute, during which further failures are only counted) → quiet.
import { PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AssumeRole } from "./sts.ts";

const REPORT_EACH_MS = 60_000;

export interface StsOutageLogDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly assumeRole: AssumeRole;
}

/** Wraps `assumeRole`: logs STS_UNAVAILABLE at most once a minute, with the number of failures since the last line. */
export function logStsOutages({ clock, log, assumeRole }: StsOutageLogDeps): AssumeRole {
  let reportedAt = Number.NEGATIVE_INFINITY;
  let unreported = 0;
  return async (input) => {
    try {
      return await assumeRole(input);
    } catch (error) {
      if (error instanceof PodroleError && error.code === "STS_UNAVAILABLE") {
        unreported += 1;
        if (clock.now() - reportedAt >= REPORT_EACH_MS) {
          log.warn({ code: error.code, err: error.cause, times: unreported }, error.message);
          [reportedAt, unreported] = [clock.now(), 0];
        }
      }
      throw error;
    }
  };
}
