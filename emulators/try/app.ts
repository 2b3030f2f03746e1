// The app of a try installation: an unmodified AWS SDK, configured by its environment alone. Prints the role that STS
// reports for its credentials, once a minute, and opens a port after the first time.
import { createServer } from "node:net";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";
import { type Clock, sleep } from "../../src/runtime/clock.ts";

/** What the app talks to. */
export interface TryAppDeps {
  readonly clock: Clock;
  readonly out: (text: string) => void;
  readonly interrupted: AbortSignal;
}

const PERIOD_MS = 60_000;

/** Runs until it is interrupted. Rejects if the SDK gets no credentials or STS does not accept them. */
export async function runTryApp({ clock, out, interrupted }: TryAppDeps, port: number): Promise<void> {
  const client = new STSClient({});
  const ready = createServer((socket) => socket.destroy());
  try {
    while (!interrupted.aborted) {
      const { Arn: arn } = await client.send(new GetCallerIdentityCommand({}));
      out(`${new Date(clock.now()).toISOString()} the emulated STS says that this pod is ${arn}\n`);
      if (!ready.listening) ready.listen(port);
      await sleep(clock, PERIOD_MS, interrupted);
    }
  } finally {
    ready.close();
    client.destroy();
  }
}
