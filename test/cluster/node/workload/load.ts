// Requests credentials from the sidecar every PERIOD_MS, as an SDK without a cache does. Prints a line of JSON each
// second: the number of successful answers, of answers that took longer than a second, and the failures, each with its
// time and how long the request took. A slow answer is no failure, because the test machine may be busy.
import { readFileSync } from "node:fs";
import { get } from "node:http";
import { json } from "node:stream/consumers";

const { AWS_CONTAINER_CREDENTIALS_FULL_URI: uri = "", AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: file = "" } = process.env;
const periodMs = Number(process.env["PERIOD_MS"]);
const failures: Record<string, number> = {};
let good = 0;
let slow = 0;

/** Uses a new connection, as SDKs do: a kept one may be closed while a busy machine delays the next request. */
function requestCredentials(): Promise<string | undefined> {
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

async function countRequest(): Promise<void> {
  const began = performance.now();
  const failure = await requestCredentials().catch(({ message }: Error) => message);
  const tookMs = Math.round(performance.now() - began);
  count(failure && `${failure} after ${tookMs} ms at ${new Date().toISOString()}`);
}

setInterval(() => void countRequest(), periodMs);
setInterval(() => console.log(JSON.stringify({ good, slow, failures })), 1_000);
process.on("SIGTERM", () => process.exit(0));
