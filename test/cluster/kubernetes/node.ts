// Calls node.sh: starts a cluster of one node, loads images, runs commands, restarts the kubelet, and stops the node.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { SetupError } from "../../../scripts/command-line/setup-error.ts";

export const NODE_SCRIPT = join(import.meta.dirname, "node.sh");

/** Returns the script's output; its progress goes to standard error. Throws SetupError if it fails. */
export function runNodeScript(
  verb: "up" | "load" | "exec" | "restart-kubelet" | "down",
  directory: string,
  ...args: readonly string[]
): string {
  const { status, stdout } = spawnSync(NODE_SCRIPT, [verb, directory, ...args], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
  });
  if (status !== 0) throw new SetupError(`node.sh ${verb} exited with ${status}`);
  return stdout;
}
