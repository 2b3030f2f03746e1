// The AWS SDK for JavaScript v3 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N times,
// each time from a new provider chain. Prints one line of JSON; on failure prints the SDK's own message and exits with 1.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { defaultProvider } from "@aws-sdk/credential-provider-node";

const times = Number(process.argv[3] ?? 0);
try {
  for (let time = 0; time < times; time++) await defaultProvider()();
  const result = times > 0 ? { fetches: times } : { arn: await callerArn() };
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

async function callerArn(): Promise<string | undefined> {
  return (await new STSClient({}).send(new GetCallerIdentityCommand({}))).Arn;
}
