// The AWS SDK for JavaScript v2 as an app uses it, from the folder in the first word. "call": who am I? "fetch N":
// credentials N times, each time from a new chain. Prints one JSON line; ends with 1 and the SDK's own words.
import { createRequire } from "node:module";

/** The part of the package that is used here; it is not one of the project's own. */
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
  const said = times > 0 ? { fetches: times } : { arn: await whoAmI() };
  console.log(JSON.stringify(said));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

async function whoAmI(): Promise<string | undefined> {
  // It does not read AWS_ENDPOINT_URL_STS.
  const sts = new AWS.STS({ endpoint: process.env["AWS_ENDPOINT_URL_STS"] });
  return (await sts.getCallerIdentity().promise()).Arn;
}
