// Generates the sentence of docs/ca.md about the drill for a compromised CA from the result that `--only drill
// --publish` recorded.
import { drillResult } from "../test/cluster/node/drill-results.ts";

/** Returns what the clients saw in the drill that was published last. */
export function drillRun(): string {
  const found = drillResult.find();
  if (found === undefined) return "No drill has been published yet.";
  const { date, commit, pods, requests, seconds } = found;
  return `${pods} pods sent ${requests} requests in the ${seconds} s of the drill, and none failed. Measured on ${date}, commit ${commit}.`;
}
