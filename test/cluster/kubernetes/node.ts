// node.sh, called from TypeScript: a cluster of one node that comes up, takes images and goes down again.
import { spawnSync } from "node:child_process";
import { join } from "node:path";

export const NODE_SCRIPT = join(import.meta.dirname, "node.sh");

/** Returns what the script prints; its progress goes to standard error. */
export function node(verb: "up" | "load" | "down", directory: string, ...words: readonly string[]): string {
  const { status, stdout } = spawnSync(NODE_SCRIPT, [verb, directory, ...words], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new RangeError(`node.sh ${verb} ended with ${status}`);
  return stdout;
}
