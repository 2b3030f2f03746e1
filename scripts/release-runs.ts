// Generates the table of docs/platforms.md about the cluster suites on further releases of Kubernetes from what
// `npm run test:cluster -- --kubernetes MINOR --publish` recorded.
import { releaseRuns } from "../test/cluster/release-runs.ts";
import { markdownTable } from "./markdown-table.ts";

/** Returns one row per part and release, or a sentence if nothing is published, because Markdown needs a text. */
export function releaseRunTable(): string {
  const runs = releaseRuns.find();
  if (runs === undefined) return "No run on another release has been published yet.";
  const rows = runs.map(({ kubernetes, part, passed, skipped, seconds, date, commit }) =>
    [kubernetes, `\`${part}\``, passed, skipped, seconds, date, commit].map(String),
  );
  return markdownTable(["Kubernetes", "part", "passed", "skipped", "seconds", "date", "commit"], rows);
}
