// Opens the server's trust: the CA, the server's own certificate, and the webhook's caBundle.

import { isIP } from "node:net";
import type { Kubernetes } from "../kubernetes/api.ts";
import { BUNDLE_KEY } from "../pki/bundle.ts";
import { POD_CERTIFICATES_KEY } from "../protocol/pod-certificates.ts";
import { untilAborted } from "../runtime/clock.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import { longestLeafLifetimeMs, rotationOptions, type ServerSettings } from "../settings/server.ts";
import type { ServerMetrics } from "./observability/metrics.ts";
import type { ClusterSupport } from "./signer/cluster-support.ts";
import { type AuthorityPoller, createAuthorityPoller, type ReadTrust } from "./trust/authority-poller.ts";
import { startCaBundleReconciler } from "./trust/ca-bundle-reconciler.ts";
import { startClusterTrustBundle } from "./trust/cluster-trust-bundle.ts";
import { createOwnership, type Ownership } from "./trust/ownership.ts";
import { type ServingCertificate, startServingCertificate } from "./trust/serving-certificate.ts";
import { trustFromFiles } from "./trust/trust-files.ts";
import { trustFromSecret } from "./trust/trust-secret.ts";

/** The CA and the server's own certificate, both readable at any time after openTrust(). */
export interface OpenedTrust {
  readonly poller: AuthorityPoller;
  readonly serving: ServingCertificate;
  /** Labels and owner of what the server creates. */
  readonly ownership: Ownership;
}

interface TrustDeps extends Pick<ProgramDeps, "clock" | "log" | "shutdown"> {
  readonly kubernetes: Kubernetes;
  readonly metrics: ServerMetrics;
  readonly support: ClusterSupport;
}

/**
 * Reads or creates the CA, retrying until it has one that can sign, and starts to keep everything that depends on it
 * current.
 */
export async function openTrust(deps: TrustDeps, settings: ServerSettings): Promise<OpenedTrust> {
  const { clock, log, shutdown, kubernetes, metrics, support } = deps;
  const ownership = createOwnership(kubernetes, settings.owner);
  const poller = createAuthorityPoller({
    readTrust: trustSource(deps, settings, ownership),
    publish: trustPublisher({ kubernetes, support }, settings, ownership),
    clock,
    log,
    onCheck: (result) => metrics.authorityChecks.inc({ result }),
  });
  shutdown.onClose("CA", () => poller.stop());
  support.onChange(() => poller.checkNow());
  await poller.start();

  const serving = startServingCertificate(
    { poller, clock, log },
    { ...certificateNames(settings.serverNames), lifetimeMs: settings.certificateTtl },
  );
  shutdown.onClose("serving certificate", () => serving.stop());
  await Promise.race([serving.ready, untilAborted(shutdown.signal)]);

  const caBundle = startCaBundleReconciler(
    {
      kubernetes,
      clock,
      log,
      bundlePem: () => poller.current().bundlePem,
      onResult: (result) => metrics.caBundleWrites.inc({ result }),
    },
    { name: settings.webhookConfiguration },
  );
  poller.onChange(() => caBundle.checkNow());
  shutdown.onClose("caBundle", () => caBundle.stop());
  void support.served.then(() => publishToPods(deps, poller));
  return { poller, serving, ownership };
}

function publishToPods({ kubernetes, clock, log, shutdown }: TrustDeps, poller: AuthorityPoller): void {
  const bundlePem = () => poller.current().bundlePem;
  const publisher = startClusterTrustBundle({ kubernetes, clock, log, bundlePem });
  poller.onChange(() => publisher.checkNow());
  shutdown.onClose("ClusterTrustBundle", () => publisher.stop());
}

/** Splits names by type, because a certificate lists DNS names and IP addresses separately (RFC 5280, 4.2.1.6). */
export function certificateNames(names: readonly string[]) {
  return {
    dnsNames: names.filter((name) => isIP(name) === 0),
    ipAddresses: names.filter((name) => isIP(name) !== 0),
  };
}

function trustSource({ clock, log, kubernetes }: TrustDeps, settings: ServerSettings, ownership: Ownership): ReadTrust {
  const { caCert, caKey, caSecret } = settings;
  if (caCert !== undefined && caKey !== undefined) {
    const leafLifetimeMs = longestLeafLifetimeMs(settings);
    return trustFromFiles({ clock, log }, { certificateFile: caCert, keyFile: caKey, leafLifetimeMs });
  }
  return trustFromSecret({ kubernetes, ownership, clock, log }, { ...caSecret, rotation: rotationOptions(settings) });
}

function trustPublisher(
  { kubernetes, support }: Pick<TrustDeps, "kubernetes" | "support">,
  { trustConfigMap: { namespace, name } }: ServerSettings,
  ownership: Ownership,
) {
  return async (bundlePem: string): Promise<void> => {
    const metadata = await ownership(namespace);
    const answer = support.current();
    const data = { [BUNDLE_KEY]: bundlePem, ...(answer !== undefined && { [POD_CERTIFICATES_KEY]: answer }) };
    if (metadata) await kubernetes.putConfigMap(namespace, name, data, metadata);
  };
}
