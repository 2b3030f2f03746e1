// Asks the sidecar for credentials PERIOD_MS apart, as an SDK without a cache would, and prints after each second what came
// of it: a line of JSON with the number of answers that were credentials, of those that took longer than a second, and of
// those that were no credentials, by what they were. Slow is no failure: the machine of a test may be busy.
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { json } from "node:stream/consumers";

const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri = "", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file = "" } = process.env;
const periodMs = Number(process.env["PERIOD_MS"]);
const failures: Record<string, number> = {};
let good = 0;
let slow = 0;

/**
 * On a connection of its own, as SDKs ask: one that is kept may be closed while a busy machine lets the next request wait.
 */
function ask(): Promise<string | undefined> {
  const began = performance.now();
  const options = { agent: false, headers: { authorization: readFileSync(file, "utf8") }, timeout: 30_000 };
  return new Promise((resolve, reject) => {
    const request = get(uri, options, (response) => {
      json(response).then((body) => {
        const { AccessKeyId: id, code } = body as { AccessKeyId?: string; code?: string };
        const isGood = response.statusCode === 200 && id?.startsWith("ASIA");
        if (performance.now() - began > 1_000) slow += 1;
        resolve(isGood ? undefined : `${response.statusCode} ${code}`);
      }, reject);
    });
    request.on("timeout", () => request.destroy(new Error("no answer in 30 s"))).on("error", reject);
  });
}

function count(failure: string | undefined): void {
  if (failure === undefined) good += 1;
  else failures[failure] = (failures[failure] ?? 0) + 1;
}

setInterval(() => void ask().then(count, ({ message }: Error) => count(message)), periodMs);
setInterval(() => console.log(JSON.stringify({ good, slow, failures })), 1_000);
process.on("SIGTERM", () => process.exit(0));
