// Keeps the trust bundle in our own MutatingWebhookConfiguration, where GitOps tools and helm upgrades like to reset
// it. States: keeping (a look each minute, and at once after a change of the bundle) → stopped. A failed look is a
// warning and a metric; admission goes on with what stands there.
import type { Kubernetes } from "../../kubernetes/api.ts";
import { type Clock, sleep } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

const LOOK_EACH_MS = 60_000;
/** After a failure or a conflict with another replica. */
const LOOK_AGAIN_MS = 5_000;

export type CaBundleResult = Awaited<ReturnType<Kubernetes["setCaBundle"]>> | "failed";

export interface WebhookConfigurationKeeper {
  /** Looks now instead of at the next minute. */
  hurry(): void;
  stop(): Promise<void>;
}

export function createWebhookConfigurationKeeper(
  {
    kubernetes,
    clock,
    log,
    bundlePem,
    onResult,
  }: {
    readonly kubernetes: Pick<Kubernetes, "setCaBundle">;
    readonly clock: Clock;
    readonly log: Log;
    readonly bundlePem: () => string;
    readonly onResult: (result: CaBundleResult) => void;
  },
  { name }: { readonly name: string },
): WebhookConfigurationKeeper {
  const stopped = new AbortController();
  let nap = new AbortController();

  async function look(): Promise<CaBundleResult> {
    try {
      return await kubernetes.setCaBundle(name, bundlePem());
    } catch (error) {
      log.warn({ err: error, configuration: name }, "could not keep caBundle of the webhook configuration");
      return "failed";
    }
  }

  async function keep(): Promise<void> {
    while (!stopped.signal.aborted) {
      nap = new AbortController();
      const result = await look();
      onResult(result);
      if (result === "changed")
        log.info({ configuration: name }, "put the trust bundle into the webhook configuration");
      const settled = result === "changed" || result === "unchanged";
      await sleep(clock, settled ? LOOK_EACH_MS : LOOK_AGAIN_MS, AbortSignal.any([stopped.signal, nap.signal]));
    }
  }

  const kept = keep();
  return {
    hurry: () => nap.abort(),
    async stop() {
      stopped.abort();
      await kept;
    },
  };
}
