// AWS SDKs and tools as "images" of the process node: each prints what GetCallerIdentity answers and ends. boto3 and
// the AWS CLI come from PyPI into an environment outside the tree, once a machine.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = ["boto3==1.44.5", "awscli==1.46.3"];
const BOTO3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";

/** By image name, the command that stands for it. Installs what is missing; throws with pip's own words. */
export function sdkImages(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, readonly string[]>> {
  const cache = env["PODROLE_CACHE"] ?? join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "podrole");
  const python = join(cache, "python-sdks");
  if (!existsSync(join(python, "bin/aws"))) {
    process.stderr.write("installing boto3 and the AWS CLI (once a machine)\n");
    run("python3", ["-m", "venv", python]);
    run(join(python, "bin/pip"), ["install", "--quiet", "--disable-pip-version-check", ...PACKAGES]);
  }
  return {
    "sdk/javascript:3": [process.execPath, fileURLToPath(new URL("../../src/cli/demo/app.ts", import.meta.url))],
    "sdk/boto3:1": [join(python, "bin/python"), "-c", BOTO3],
    "sdk/aws-cli:1": [join(python, "bin/aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
  };
}

function run(command: string, words: readonly string[]): void {
  const { status, stderr } = spawnSync(command, words, { encoding: "utf8" });
  if (status !== 0) throw new RangeError(`${command} ${words.join(" ")}: ${stderr}`);
}
