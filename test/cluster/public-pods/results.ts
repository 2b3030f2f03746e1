// Results of the pods of other people as a file: what `--publish` writes and docs/platforms.md
// shows.
import { join } from "node:path";
import { type Measurement, publishedResults } from "../../published-results.ts";

/** How many pods there were, and what became of them. */
interface PublicPodResults extends Measurement {
  /** Names of the folders in it: one for each repository of the files, such as aws+eks-charts@5239609242. */
  readonly sources: readonly string[];
  /** Files that podrole inject changed and podrole uninject restored, and the pods that it injected in them. */
  readonly files: number;
  readonly textPods: number;
  /** Pods sent to the API server: injected, not injected, and refused without podrole. */
  readonly pods: number;
  readonly injected: number;
  readonly skipped: number;
  readonly invalid: number;
  /** Injected pods that were BestEffort. */
  readonly toBurstable: number;
  /** Accepted pods by the strictest PodSecurity level that they meet, with podrole and without. */
  readonly restricted: number;
  readonly baseline: number;
  readonly privileged: number;
}

/** The published results. */
export const publicPodResults = publishedResults<PublicPodResults>(join(import.meta.dirname, "results.json"));
