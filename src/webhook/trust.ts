// The trust bundle, as the server publishes it in a ConfigMap: what goes into every pod, and whom this webhook believes
// when it asks for its own certificate. States: unknown → known (looked up again each minute) → stopped (signal).
// While unknown the webhook refuses pods: injected without a bundle they could reach nobody.
import type { Kubernetes } from "../kubernetes/api.ts";
import { bundleHash } from "../pki/bundle.ts";
import { createChanges } from "../runtime/changes.ts";
import { type Clock, sleep } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

const LOOK_EACH_MS = 60_000;
const LOOK_AGAIN_MS = 1_000;

export interface TrustBundle {
  /** PEM; undefined while unknown. */
  current(): string | undefined;
  /** Resolves when it is known. */
  readonly ready: Promise<void>;
  /** Runs when another bundle took the place of the known one. */
  onChange(listener: () => void): () => void;
}

export function createTrustBundle(
  {
    kubernetes,
    clock,
    log,
    signal,
  }: {
    readonly kubernetes: Pick<Kubernetes, "getConfigMap">;
    readonly clock: Clock;
    readonly log: Log;
    readonly signal: AbortSignal;
  },
  { namespace, name }: { readonly namespace: string; readonly name: string },
): TrustBundle {
  const known = Promise.withResolvers<void>();
  const changes = createChanges((err) => log.error({ err }, "a listener of the trust bundle failed"));
  let bundle: string | undefined;

  async function look(): Promise<void> {
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

  async function keep(): Promise<void> {
    while (!signal.aborted) {
      await look();
      await sleep(clock, bundle === undefined ? LOOK_AGAIN_MS : LOOK_EACH_MS, signal);
    }
  }

  void keep();
  return {
    current: () => bundle,
    ready: known.promise,
    onChange: changes.onChange,
  };
}
