// What `npm run test:cluster -- --kubernetes MINOR --publish` records and docs/platforms.md shows: the last run of each
// part of the cluster suites on a further release of Kubernetes.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Measurement, publishedResults } from "../published-results.ts";

/** One part of the suites on one release. Only a part that has passed is recorded. */
export interface ReleaseRun extends Measurement {
  /** The release, such as 1.34.4. */
  readonly kubernetes: string;
  readonly part: string;
  readonly passed: number;
  readonly skipped: number;
  readonly seconds: number;
}

/** The published runs. */
export const releaseRuns = publishedResults<readonly ReleaseRun[]>(join(import.meta.dirname, "release-runs.json"));

/** Replaces the part's earlier run on the same minor release. */
export function withRun(runs: readonly ReleaseRun[], run: ReleaseRun): readonly ReleaseRun[] {
  const isSame = ({ kubernetes, part }: ReleaseRun) =>
    part === run.part && minorOf(kubernetes) === minorOf(run.kubernetes);
  return [...runs.filter((each) => !isSame(each)), run];
}

/** Returns the release that kubernetes/build.sh builds for a minor one, such as 1.34.4 for 1.34. */
export function releaseOf(minor: string): string {
  const file = join(import.meta.dirname, `kubernetes/source/${minor}.mod`);
  const [, version] = /^require k8s\.io\/kubernetes v(\S+)/m.exec(readFileSync(file, "utf8")) ?? [];
  if (version === undefined) throw new RangeError(`Cannot read the release: ${file} requires no k8s.io/kubernetes`);
  return version;
}

/** Sums up a counter of the summaries that node's test runner has printed. */
export function counted(counter: "pass" | "skipped", output: string): number {
  const counts = [...output.matchAll(new RegExp(String.raw`^ℹ ${counter} (\d+)$`, "gm"))];
  return counts.reduce((sum, [, count]) => sum + Number(count), 0);
}

function minorOf(release: string): string {
  return release.split(".").slice(0, 2).join(".");
}
