// An app with an unmodified AWS SDK: first line when its process started (ms, Unix time), second line who it is. With
// "stay" it goes on until it is told to end; with "start" it does not ask AWS at all.
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
