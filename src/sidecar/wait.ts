// postStart hook: blocks until the pod's sidecar is ready. The kubelet starts the next container when the hook
// succeeds; if the hook fails, the kubelet restarts this container with exponential back-off.
// (https://kubernetes.io/docs/concepts/containers/container-lifecycle-hooks/)
// It reads the memory volume and the loopback port, which other pods cannot reach, and not the health port, which they
// can.
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import { canConnect } from "../runtime/tcp.ts";
import { readGrants } from "./files/grants-file.ts";
import { isServed } from "./grants.ts";
import type { OfferOutcome } from "./renewal/hook-renewal.ts";
import type { WaitSettings } from "./settings.ts";

/** Poll interval: short at first, because the pod's start waits for it, then a twentieth of the elapsed time. */
const MIN_POLL_INTERVAL_MS = 25;
const MAX_POLL_INTERVAL_MS = 1_000;
const POLL_CONNECT_TIMEOUT_MS = 1_000;

/** What `runWait` talks to. `signal` ends the wait. */
export interface WaitDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
  /** Offers the sidecar to do its first renewal (renewal/hook-renewal.ts); absent where no hook is expected to. */
  readonly offer?: (() => Promise<OfferOutcome>) | undefined;
}

/**
 * Polls until every container has received credentials and the credentials port listens, and does the sidecar's first
 * renewal meanwhile if the sidecar waits for that; resolves with the exit code: 0 then, 1 after `initTimeout`, when
 * `signal` aborts, or when the sidecar abandons the renewal.
 */
export async function runWait({ clock, log, signal, offer }: WaitDeps, settings: WaitSettings): Promise<0 | 1> {
  const { port, initTimeout } = settings;
  const startedAt = clock.elapsedMs();
  const waitedMs = () => clock.elapsedMs() - startedAt;
  let outcome: OfferOutcome = offer ? "unwanted" : "renewed";
  while (!signal.aborted && waitedMs() < initTimeout) {
    if (offer && outcome === "unwanted") outcome = await offer();
    // Then the sidecar has ended or started another renewal: the rest of this one must not run beside it.
    if (outcome === "abandoned") break;
    // A restarted sidecar finds the credentials of its predecessor before it listens.
    if (hasCredentials(settings) && (await canConnect({ host: "localhost", port }, POLL_CONNECT_TIMEOUT_MS))) return 0;
    await sleep(clock, Math.min(Math.max(waitedMs() / 20, MIN_POLL_INTERVAL_MS), MAX_POLL_INTERVAL_MS), signal);
  }
  log.error({ port, waitedSeconds: Math.round(waitedMs() / 1000) }, "the sidecar is not ready");
  return 1;
}

/**
 * As an ordinary init container after the sidecar: does the same for as long as it takes, and continues if the sidecar
 * restarts in between. Resolves with 0 when every container has credentials, or when `signal` aborts: then the pod is
 * being deleted, and a Job's podFailurePolicy may count any other exit code as the app's failure.
 */
export async function runHold({ offer, ...deps }: WaitDeps, settings: WaitSettings): Promise<0> {
  // It goes on after an abandoned renewal, too: see the states in renewal/early-renewal.ts.
  const offerAgain = offer && (() => offer().then((outcome) => (outcome === "abandoned" ? "unwanted" : outcome)));
  while (!deps.signal.aborted) {
    const code = await runWait({ ...deps, offer: offerAgain }, { ...settings, initTimeout: Number.POSITIVE_INFINITY });
    if (code === 0) break;
  }
  return 0;
}

function hasCredentials({ identityDirectory, containers }: WaitSettings): boolean {
  try {
    return isServed(readGrants(identityDirectory), containers);
  } catch {
    // podrole-sidecar logs the error of the file system.
    return false;
  }
}
