// The trust bundle that the server publishes in a ConfigMap: it goes into every injected pod, and by it the webhook
// verifies the server when it requests its own certificate. States: unknown (polled each second) → known (polled each
// minute) → stopped (signal). While it is unknown the webhook denies pods: without a bundle they could not verify the
// server.
import type { Kubernetes } from "../kubernetes/api.ts";
import { bundleHash } from "../pki/bundle.ts";
import { type Changing, createChanges } from "../runtime/changes.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

const POLL_MS = 60_000;
const POLL_WHILE_UNKNOWN_MS = 1_000;

/** `onChange` reports that another bundle replaced the known one, not the first bundle. */
export interface TrustBundle extends Changing {
  /** PEM; undefined while unknown. */
  current(): string | undefined;
  /** Resolves when the bundle is known. */
  readonly ready: Promise<void>;
}

/** What the polling depends on. */
export interface TrustBundleDeps {
  readonly kubernetes: Pick<Kubernetes, "getConfigMap">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Starts polling the ConfigMap `namespace`/`name`, until `signal` is aborted. */
export function createTrustBundle(
  { kubernetes, clock, log, signal }: TrustBundleDeps,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): TrustBundle {
  const known = Promise.withResolvers<void>();
  const changes = createChanges((err) => log.error({ err }, "a listener of the trust bundle failed"));
  let bundle: string | undefined;

  async function poll(): Promise<void> {
    try {
      const published = (await kubernetes.getConfigMap(namespace, name))?.["bundle.pem"];
      if (published === undefined || bundleHash(published) === "") {
        log.info({ configMap: `${namespace}/${name}` }, "waiting for the server to publish its trust bundle");
        return;
      }
      const changed = bundle !== undefined && bundle !== published;
      bundle = published;
      known.resolve();
      if (!changed) return;
      log.info({ bundle: bundleHash(published) }, "the trust bundle changed");
      changes.emit();
    } catch (error) {
      log.warn({ err: error, configMap: `${namespace}/${name}` }, "could not read the trust bundle");
    }
  }

  async function run(): Promise<void> {
    while (!signal.aborted) {
      await poll();
      await sleep(clock, bundle === undefined ? POLL_WHILE_UNKNOWN_MS : POLL_MS, signal);
    }
  }

  void run();
  return {
    current: () => bundle,
    ready: known.promise,
    onChange: changes.onChange,
  };
}
