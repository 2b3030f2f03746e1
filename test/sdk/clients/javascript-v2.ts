// The AWS SDK for JavaScript v2 as an app uses it, loaded from the folder given as first argument. "call": calls
// GetCallerIdentity; "fetch N": gets credentials N times, each time from a new provider chain; "again": calls, creates
// AGAIN_FILE, and calls with the same client when that is gone. Prints one line of JSON; on failure prints the SDK's
// own message and exits with 1.
import { existsSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { setTimeout as sleep } from "node:timers/promises";

/** The used part of the package, which is not a dependency of this project. */
interface Sdk {
  readonly CredentialProviderChain: new () => { resolvePromise(): Promise<unknown> };
  readonly STS: new (options: {
    readonly endpoint: string | undefined;
  }) => {
    getCallerIdentity(): { promise(): Promise<{ readonly Arn?: string }> };
  };
}

const [, , folder = "", mode, count = "0"] = process.argv;
const AWS = createRequire(`${folder}/`)("aws-sdk") as Sdk;
const times = Number(count);
try {
  for (let time = 0; time < times; time++) await new AWS.CredentialProviderChain().resolvePromise();
  const result = times > 0 ? { fetches: times } : { arn: await callerArn() };
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

async function callerArn(): Promise<string | undefined> {
  // This SDK does not read AWS_ENDPOINT_URL_STS.
  const sts = new AWS.STS({ endpoint: process.env["AWS_ENDPOINT_URL_STS"] });
  const call = async () => (await sts.getCallerIdentity().promise()).Arn;
  const arn = await call();
  if (mode !== "again") return arn;
  const file = process.env["AGAIN_FILE"] ?? "";
  writeFileSync(file, "");
  while (existsSync(file)) await sleep(50);
  return call();
}
