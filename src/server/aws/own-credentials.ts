// Whether the server has AWS credentials of its own, for /readyz and podrole_ready. States: unknown → usable (checked
// each minute) ⇄ unusable (checked each 10 s, so that it ends by itself); the check ends with `signal`. A change is a
// log line. A check costs nothing while the SDK caches credentials.
import { toPodroleError } from "../../protocol/errors.ts";
import { type Clock, repeat } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

export interface OwnCredentialsCheckDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Resolves if there are credentials; rejects with PodroleError, after its deadline at the latest. */
  readonly findCredentials: () => Promise<void>;
}

export interface OwnCredentialsCheck {
  /**
   * Returns why the server has no usable credentials of its own; undefined while it has, and before the first check.
   */
  lastProblem(): string | undefined;
}

const CREDENTIALS_CHECK_INTERVAL_MS = 60_000;
const UNUSABLE_CREDENTIALS_CHECK_INTERVAL_MS = 10_000;

/** Starts checking. */
export function startOwnCredentialsCheck({
  clock,
  log,
  signal,
  findCredentials,
}: OwnCredentialsCheckDeps): OwnCredentialsCheck {
  let problem: string | undefined;
  repeat({ clock, signal }, async () => {
    try {
      await findCredentials();
      if (problem !== undefined) log.info("the server's own AWS credentials are usable again");
      problem = undefined;
      return CREDENTIALS_CHECK_INTERVAL_MS;
    } catch (thrown) {
      const error = toPodroleError(thrown);
      if (problem === undefined) log.warn({ code: error.code, err: error.cause }, error.message);
      problem = error.message;
      return UNUSABLE_CREDENTIALS_CHECK_INTERVAL_MS;
    }
  });
  return { lastProblem: () => problem };
}
