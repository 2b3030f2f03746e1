// postStart hook: blocks until the pod's sidecar is ready. The kubelet starts the next container when the hook
// succeeds; if the hook fails, the kubelet restarts this container with exponential back-off.
// (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/)
import { get } from "node:http";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { WaitSettings } from "./settings.ts";

/** Poll interval: short at first, because the pod's start waits for it, then a twentieth of the elapsed time. */
const MIN_INTERVAL_MS = 25;
const MAX_INTERVAL_MS = 1_000;
const RESPONSE_TIMEOUT_MS = 1_000;

/** What `runWait` talks to. `signal` ends the wait. */
export interface WaitDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Polls /readyz; resolves with the exit code: 0 once it answers 200, 1 after `initTimeout` or when `signal` aborts. */
export async function runWait(
  { clock, log, signal }: WaitDeps,
  { healthPort, initTimeout }: WaitSettings,
): Promise<0 | 1> {
  const startedAt = clock.now();
  while (!signal.aborted && clock.now() - startedAt < initTimeout) {
    if (await isReady(healthPort)) return 0;
    await sleep(clock, Math.min(Math.max((clock.now() - startedAt) / 20, MIN_INTERVAL_MS), MAX_INTERVAL_MS), signal);
  }
  log.error({ healthPort, waitedSeconds: Math.round((clock.now() - startedAt) / 1000) }, "the sidecar is not ready");
  return 1;
}

function isReady(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const request = get({ host: "localhost", port, path: "/readyz", timeout: RESPONSE_TIMEOUT_MS }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    request.once("timeout", () => request.destroy());
    request.once("error", () => resolve(false));
    request.once("close", () => resolve(false));
  });
}
