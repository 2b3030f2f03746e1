// AWS SDKs and tools as "images" for the emulated node, which runs containers as processes: each prints the ARN that
// GetCallerIdentity returns, and exits.
import { join } from "node:path";
import { ROOT } from "../files.ts";
import { preparePython } from "../sdk/setup.ts";

const BOTO3 = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])";

/** Maps each image name to the command that replaces it. Installs missing packages; throws with pip's own message. */
export function sdkImages(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, readonly string[]>> {
  const python = preparePython(env, "python", "boto3 and the AWS CLI");
  return {
    "sdk/javascript:3": [process.execPath, join(ROOT, "src/cli/demo/app.ts")],
    "sdk/boto3:1": [join(python, "bin/python"), "-c", BOTO3],
    "sdk/aws-cli:1": [join(python, "bin/aws"), "sts", "get-caller-identity", "--query", "Arn", "--output", "text"],
  };
}
