// The AWS SDK for JavaScript v3 as an app uses it. "call": calls GetCallerIdentity; "fetch N": gets credentials N
// times, each time from a new provider chain; "again": calls, creates AGAIN_FILE, and calls with the same client when
// that is gone. Prints one line of JSON; on failure prints the SDK's own message and exits with 1.
import { existsSync, writeFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { defaultProvider } from "@aws-sdk/credential-provider-node";

const [, , mode, count = "0"] = process.argv;
const times = Number(count);
try {
  for (let time = 0; time < times; time++) await defaultProvider()();
  const result = times > 0 ? { fetches: times } : { arn: await callerArn() };
  console.log(JSON.stringify(result));
} catch (error) {
  console.error(String(error));
  process.exitCode = 1;
}

async function callerArn(): Promise<string | undefined> {
  const client = new STSClient({});
  const call = async () => (await client.send(new GetCallerIdentityCommand({}))).Arn;
  const arn = await call();
  if (mode !== "again") return arn;
  const file = process.env["AGAIN_FILE"] ?? "";
  writeFileSync(file, "");
  while (existsSync(file)) await sleep(50);
  // Otherwise this SDK would answer from its cache and refresh in the background.
  await client.config.credentials({ forceRefresh: true });
  return call();
}
