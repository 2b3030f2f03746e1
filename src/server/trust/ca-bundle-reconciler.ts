// Reconciles the trust bundle in podrole's own MutatingWebhookConfiguration, because GitOps tools and helm upgrades
// tend to reset it there. States: running (checks each minute, every 5 s after a failure or conflict, and at once after
// checkNow()) → stopped (stop()). A failed check is a warning and a metric; admission goes on with the configuration as
// it is.
import type { Kubernetes } from "../../kubernetes/api.ts";
import { type Clock, repeat } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";

const CA_BUNDLE_CHECK_INTERVAL_MS = 60_000;
/** After a failure or a conflict with another replica. */
const CA_BUNDLE_RETRY_DELAY_MS = 5_000;

/** Result of one check: value of the metric's label. */
export type CaBundleResult = Awaited<ReturnType<Kubernetes["setCaBundle"]>> | "failed";

export interface CaBundleReconciler {
  /** Checks at once instead of at the next minute. */
  checkNow(): void;
  stop(): Promise<void>;
}

export interface CaBundleReconcilerDeps {
  readonly kubernetes: Pick<Kubernetes, "setCaBundle">;
  readonly clock: Clock;
  readonly log: Log;
  readonly bundlePem: () => string;
  readonly onResult: (result: CaBundleResult) => void;
}

/** Starts checking the MutatingWebhookConfiguration `name`. */
export function startCaBundleReconciler(
  { kubernetes, clock, log, bundlePem, onResult }: CaBundleReconcilerDeps,
  { name }: { readonly name: string },
): CaBundleReconciler {
  const stopped = new AbortController();

  async function check(): Promise<CaBundleResult> {
    try {
      return await kubernetes.setCaBundle(name, bundlePem());
    } catch (error) {
      log.warn({ err: error, configuration: name }, "could not update caBundle of the webhook configuration");
      return "failed";
    }
  }

  const { wake, ended } = repeat({ clock, signal: stopped.signal }, async () => {
    const result = await check();
    onResult(result);
    if (result === "changed") log.info({ configuration: name }, "put the trust bundle into the webhook configuration");
    return result === "changed" || result === "unchanged" ? CA_BUNDLE_CHECK_INTERVAL_MS : CA_BUNDLE_RETRY_DELAY_MS;
  });
  return {
    checkNow: wake,
    async stop() {
      stopped.abort();
      await ended;
    },
  };
}
