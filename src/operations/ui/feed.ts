// The newest reading, for every page that is open. Nothing is read while no page asks. States: empty → read (the first
// reading) → read again when a page asks and the last reading is old enough. Pages that ask during a reading share it.
import type { Clock } from "../../runtime/clock.ts";
import { type Result, success } from "../../runtime/result.ts";
import { pauseAfterReading } from "../status/watch.ts";
import type { UiSnapshot } from "./model.ts";

/** What the feed uses. */
export interface FeedDeps {
  readonly clock: Clock;
  readonly read: () => Promise<Result<UiSnapshot>>;
}

/** Delivers readings. */
export interface SnapshotFeed {
  /** Returns the newest reading; the problem is why there is none. */
  latest(): Promise<Result<UiSnapshot>>;
}

/** Creates an empty feed. */
export function createSnapshotFeed({ clock, read }: FeedDeps): SnapshotFeed {
  let last: UiSnapshot | undefined;
  let nextAt = -Infinity;
  let running: Promise<Result<UiSnapshot>> | undefined;

  async function readAgain(): Promise<Result<UiSnapshot>> {
    const startedAt = clock.elapsedMs();
    const result = await read();
    const endedAt = clock.elapsedMs();
    nextAt = endedAt + pauseAfterReading(endedAt - startedAt);
    if (!result.ok) return last ? success(staleReading(last, result.problem)) : result;
    const why = apiProblem(result.value);
    last = last && why !== undefined ? staleReading(last, why) : result.value;
    return success(last);
  }

  return {
    async latest() {
      if (last && clock.elapsedMs() < nextAt) return success(last);
      running ??= readAgain().finally(() => {
        running = undefined;
      });
      return running;
    },
  };
}

/** Why nothing could be read; undefined if something could, or if a permission is missing. */
function apiProblem({ unknown }: UiSnapshot): string | undefined {
  return unknown.pods.find(({ what, needs }) => what === "pods" && needs.length === 0)?.why;
}

function staleReading(last: UiSnapshot, why: string): UiSnapshot {
  return { ...last, stale: { since: last.stale?.since ?? last.at, why } };
}
