// Faults of the server's own way to STS (credentials, network), for its log: pods hear the short of it only, and what the
// SDK tried is nobody else's business. States: quiet → told (a minute, whatever comes) → quiet.
import { PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import type { AssumeRole } from "./sts.ts";

const QUIET_MS = 60_000;

/** `assumeRole` that tells `log` once a minute why STS could not be asked, with the cause. */
export function tellFaults({
  clock,
  log,
  assumeRole,
}: {
  readonly clock: Clock;
  readonly log: Log;
  readonly assumeRole: AssumeRole;
}): AssumeRole {
  let toldAt = Number.NEGATIVE_INFINITY;
  let untold = 0;
  return async (input) => {
    try {
      return await assumeRole(input);
    } catch (error) {
      if (error instanceof PodroleError && error.code === "STS_UNAVAILABLE") {
        untold += 1;
        if (clock.now() - toldAt >= QUIET_MS) {
          log.warn({ code: error.code, err: error.cause, times: untold }, error.message);
          [toldAt, untold] = [clock.now(), 0];
        }
      }
      throw error;
    }
  };
}
