// Asks the sidecar for credentials PERIOD_MS apart, as an SDK without a cache would, and prints after each second what came
// of it: a line of JSON with the number of answers that were credentials, of those that took longer than a second, and of
// those that were no credentials, by what they were. Slow is no failure: the machine of a test may be busy.
import { readFileSync } from "node:fs";

const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri = "", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file = "" } = process.env;
const periodMs = Number(process.env["PERIOD_MS"]);
const failures: Record<string, number> = {};
let good = 0;
let slow = 0;

async function ask(): Promise<string | undefined> {
  const began = performance.now();
  const headers = { authorization: readFileSync(file, "utf8") };
  const response = await fetch(uri, { headers, signal: AbortSignal.timeout(10_000) });
  const { AccessKeyId: id, code } = (await response.json()) as { AccessKeyId?: string; code?: string };
  if (performance.now() - began > 1_000) slow += 1;
  return response.status === 200 && id?.startsWith("ASIA") ? undefined : `${response.status} ${code}`;
}

function count(failure: string | undefined): void {
  if (failure === undefined) good += 1;
  else failures[failure] = (failures[failure] ?? 0) + 1;
}

setInterval(() => void ask().then(count, ({ name }: Error) => count(name)), periodMs);
setInterval(() => console.log(JSON.stringify({ good, slow, failures })), 1_000);
process.on("SIGTERM", () => process.exit(0));
