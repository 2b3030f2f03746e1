// Results of a suite as a file of the checkout: what `--publish` writes and the docs show.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { ROOT } from "./files.ts";

/** When, and of which commit, results were measured. */
export interface Measurement {
  readonly date: string;
  readonly commit: string;
}

/** Returns today's date and the short hash of the checkout's commit; empty outside of a git checkout. */
export function measuredNow(): Measurement {
  return { date: new Date().toISOString().slice(0, 10), commit: currentCommit() };
}

/** Returns the short hash of the checkout's commit; empty outside of a git checkout. */
export function currentCommit(): string {
  return spawnSync("git", ["rev-parse", "--short", "HEAD"], { cwd: ROOT, encoding: "utf8" }).stdout.trim();
}

/** The file at `path`: its results that were published last, and how to replace them. */
export function publishedResults<Results extends Measurement | readonly Measurement[]>(path: string) {
  const read = () => JSON.parse(readFileSync(path, "utf8")) as Results;
  return {
    read,
    /** Undefined if nothing has been published yet. */
    find: () => (existsSync(path) ? read() : undefined),
    write(results: Results) {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, `${JSON.stringify(results, null, 2)}\n`);
    },
  };
}
