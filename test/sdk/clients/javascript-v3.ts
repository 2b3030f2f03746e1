// The AWS SDK for JavaScript v3 as an app uses it. "call": who am I? "fetch N": credentials N times, each time from a
// new chain. Prints one JSON line; ends with 1 and the SDK's own words where it fails.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { defaultProvider } from "@aws-sdk/credential-provider-node";

const times = Number(process.argv[3] ?? 0);
try {
  for (let time = 0; time < times; time++) await defaultProvider()();
  const said = times > 0 ? { fetches: times } : { arn: await whoAmI() };
  console.log(JSON.stringify(said));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

async function whoAmI(): Promise<string | undefined> {
  return (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn;
}
