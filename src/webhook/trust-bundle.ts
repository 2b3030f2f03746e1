// What the server publishes in a ConfigMap. The trust bundle goes into every injected pod, and by it the webhook
// verifies the server when it requests its own certificate. A published bundle is only an offer: a writer of the
// ConfigMap could publish another CA, and pods with that bundle would never start. The serving certificate adopts an
// offer once a verified server has confirmed it (requested-certificate.ts).
// States: unknown (polled each second) → known (a bundle was adopted; polled each minute) → stopped (signal). An offer:
// made (by a poll that finds another bundle than the adopted one) → taken (takeOffer(): tried once; the next poll makes
// it again) → adopted (adopt()). While the bundle is unknown the webhook denies pods: without a bundle they could not
// verify the server. Beside the bundle, the server publishes whether new pods can have a pod certificate; that is used
// as it was read last.
import type { Kubernetes } from "../kubernetes/api.ts";
import { BUNDLE_KEY, bundleHash } from "../pki/bundle.ts";
import { type PodCertificateSupport, publishedSupport } from "../protocol/pod-certificates.ts";
import { type Changing, createChanges } from "../runtime/changes.ts";
import { type Clock, repeat } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";

const BUNDLE_POLL_INTERVAL_MS = 60_000;
const UNKNOWN_BUNDLE_POLL_INTERVAL_MS = 1_000;

/** `onChange` reports each offer. */
export interface TrustBundle extends Changing {
  /** PEM of the adopted bundle; undefined while unknown. */
  current(): string | undefined;
  /** Returns the PEM of a published bundle that is not adopted, at most once per poll. */
  takeOffer(): string | undefined;
  /** Makes `bundlePem` the bundle of every pod from now on. */
  adopt(bundlePem: string): void;
  /** Resolves when the first bundle is adopted. */
  readonly ready: Promise<void>;
  /** Whether the server published, when the ConfigMap was last read, that new pods can have a pod certificate. */
  knowsPodCertificates(): boolean;
}

/** What the polling depends on. */
export interface TrustBundleDeps {
  readonly kubernetes: Pick<Kubernetes, "getConfigMap">;
  readonly clock: Clock;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** Starts polling the ConfigMap `namespace`/`name`, until `signal` is aborted. */
export function startTrustBundle(
  { kubernetes, clock, log, signal }: TrustBundleDeps,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): TrustBundle {
  const known = Promise.withResolvers<void>();
  const offers = createChanges((err) => log.error({ err }, "a listener of the trust bundle failed"));
  let bundle: string | undefined;
  let offer: string | undefined;
  let knowsPodCertificates = false;

  function followPodCertificates(published: PodCertificateSupport | undefined): void {
    const isOn = published === "on";
    if (isOn === knowsPodCertificates) return;
    knowsPodCertificates = isOn;
    log.info({ podCertificates: isOn ? "on" : "off" }, "the server published whether pods can have a pod certificate");
  }

  async function poll(): Promise<void> {
    try {
      const data = await kubernetes.getConfigMap(namespace, name);
      followPodCertificates(publishedSupport(data));
      const published = data?.[BUNDLE_KEY];
      offer = undefined;
      if (published === undefined || bundleHash(published) === "") {
        log.info({ configMap: `${namespace}/${name}` }, "waiting for the server to publish its trust bundle");
        return;
      }
      if (published === bundle) return;
      offer = published;
      offers.emit();
    } catch (error) {
      log.warn({ err: error, configMap: `${namespace}/${name}` }, "could not read the trust bundle");
    }
  }

  void repeat({ clock, signal }, async () => {
    await poll();
    return bundle === undefined ? UNKNOWN_BUNDLE_POLL_INTERVAL_MS : BUNDLE_POLL_INTERVAL_MS;
  });
  return {
    current: () => bundle,
    takeOffer() {
      const taken = offer;
      offer = undefined;
      return taken;
    },
    adopt(bundlePem) {
      if (bundlePem === bundle) return;
      if (bundle !== undefined) log.info({ bundle: bundleHash(bundlePem) }, "the trust bundle changed");
      bundle = bundlePem;
      known.resolve();
    },
    ready: known.promise,
    knowsPodCertificates: () => knowsPodCertificates,
    onChange: offers.onChange,
  };
}
