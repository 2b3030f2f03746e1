// The AWS SDK for JavaScript v2 as an app uses it, loaded from the folder given as first argument. "call": calls
// GetCallerIdentity; "fetch N": gets credentials N times, each time from a new provider chain. Prints one line of JSON; on
// failure prints the SDK's own message and exits with 1.
import { createRequire } from "node:module";

/** The used part of the package, which is not a dependency of this project. */
interface Sdk {
  readonly CredentialProviderChain: new () => { resolvePromise(): Promise<unknown> };
  readonly STS: new (options: {
    readonly endpoint: string | undefined;
  }) => {
    getCallerIdentity(): { promise(): Promise<{ readonly Arn?: string }> };
  };
}

const [, , folder = "", , count = "0"] = process.argv;
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
  return (await sts.getCallerIdentity().promise()).Arn;
}
