// Waits until the sidecar of this pod is ready: its postStart hook. The kubelet starts the next container when the hook is
// done; when it fails, the kubelet ends this container and starts it anew, ever later.
import { get } from "node:http";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { WaitSettings } from "./settings.ts";

/** Often at first, because the pod's start waits for it; then after a twentieth of the time that has passed. */
const ASK_FIRST_MS = 25;
const ASK_EVERY_MS = 1_000;
const ANSWER_WITHIN_MS = 1_000;

export interface WaitDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Resolves with the exit code: 0 as soon as /readyz says so, 1 when `initTimeout` has passed. */
export async function runWait(
  { clock, log, signal }: WaitDeps,
  { healthPort, initTimeout }: WaitSettings,
): Promise<0 | 1> {
  const startedAt = clock.now();
  while (!signal.aborted && clock.now() - startedAt < initTimeout) {
    if (await isReady(healthPort)) return 0;
    await sleep(clock, Math.min(Math.max((clock.now() - startedAt) / 20, ASK_FIRST_MS), ASK_EVERY_MS), signal);
  }
  log.error({ healthPort, waitedSeconds: Math.round((clock.now() - startedAt) / 1000) }, "the sidecar is not ready");
  return 1;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: "localhost", port, path: "/readyz", timeout: ANSWER_WITHIN_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}
