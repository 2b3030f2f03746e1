// An app with an unmodified AWS SDK. Prints the start time of its process (Unix time, ms), then its AWS identity. With
// "stay" it keeps running until SIGTERM; with "start" it does not call AWS.
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

async function main(mode: string | undefined): Promise<void> {
  process.stdout.write(`${performance.timeOrigin}\n`);
  if (mode === "start") return;
  const { Arn: arn } = await new STSClient({}).send(new GetCallerIdentityCommand({}));
  process.stdout.write(`${arn}\n`);
  if (mode === "stay") {
    setInterval(() => {}, 60_000);
    process.on("SIGTERM", () => process.exit(0));
  }
}

void main(process.argv[2]);
