// What every long-running program is given by the command line.
import type { Clock } from "./clock.ts";
import type { Audit, Log } from "./log.ts";
import type { Shutdown } from "./shutdown.ts";

export interface ProgramDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly audit: Audit;
  /** Everything that the program opens is registered here. */
  readonly shutdown: Shutdown;
}
