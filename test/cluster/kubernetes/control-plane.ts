// Calls control-plane.sh: starts and stops a control plane of ordinary processes on this host.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { SetupError } from "../../../scripts/command-line/setup-error.ts";

const SCRIPT = join(import.meta.dirname, "control-plane.sh");

/** `up` returns the cluster's environment. Throws SetupError if the script fails. `flags`: of the API server. */
export function controlPlane(verb: "up" | "down", directory: string, flags = ""): NodeJS.Dict<string> {
  const { status, stdout } = spawnSync(SCRIPT, [verb, directory], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, PODROLE_APISERVER_FLAGS: flags },
  });
  if (status !== 0) throw new SetupError(`control-plane.sh ${verb} exited with ${status}`);
  return parseEnv(stdout);
}
