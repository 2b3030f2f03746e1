// Opens the signer of pod certificates, with --pod-certificates=on.
import type { Kubernetes } from "../kubernetes/api.ts";
import type { PodIdentity } from "../pki/identity.ts";
import { isRefusal } from "../protocol/errors.ts";
import { MINUTE_MS, repeat } from "../runtime/clock.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import type { ServerSettings } from "../settings/server.ts";
import { knownPodOf } from "./issue/known-pod.ts";
import { createRepeatSampler } from "./issue/repeat-sampler.ts";
import type { ServerMetrics } from "./observability/metrics.ts";
import type { OpenedAws } from "./open-aws.ts";
import type { OpenedIssuers } from "./open-issuers.ts";
import type { OpenedTrust } from "./open-trust.ts";
import { createEarlierCertificates } from "./signer/earlier-certificates.ts";
import { createRequestSigner } from "./signer/sign-request.ts";
import { type PodCertificateSigner, startSigner } from "./signer/start-signer.ts";
import { createUnconfirmedAnswers } from "./signer/unconfirmed-answers.ts";

interface OpenSignerDeps extends ProgramDeps {
  readonly kubernetes: Kubernetes;
  readonly metrics: ServerMetrics;
  readonly trust: OpenedTrust;
  readonly aws: OpenedAws;
  readonly issuers: Pick<OpenedIssuers, "directory" | "credentials">;
}

/** Starts the signer, which ends with the server; returns undefined if it is switched off. */
export function openSigner(deps: OpenSignerDeps, settings: ServerSettings): PodCertificateSigner | undefined {
  if (settings.podCertificates === "off") return undefined;
  const { clock, log, audit, shutdown, kubernetes, metrics, trust, aws, issuers } = deps;
  const { directory, credentials } = issuers;

  /** The pod requests its credentials as soon as it has its certificate. */
  async function prefetch(identity: PodIdentity): Promise<void> {
    try {
      const found = await directory.find(identity);
      if (!isRefusal(found)) await credentials.prefetch(identity, found);
    } catch (error) {
      log.warn({ err: error, namespace: identity.namespace, pod: identity.name }, "could not prefetch credentials");
    }
  }

  /** Its own: users who may create requests choose the uids in them, and would evict lines of the credentials port. */
  const denials = createRepeatSampler({ clock });
  void repeat({ clock, signal: shutdown.signal }, () => {
    denials.sweep();
    return MINUTE_MS;
  });

  const unconfirmed = createUnconfirmedAnswers({ clock, log, kubernetes });
  void repeat({ clock, signal: shutdown.signal }, () => unconfirmed.pass());

  const sign = createRequestSigner(
    {
      clock,
      audit,
      kubernetes,
      cachedPod: (namespace, name) => directory.knownPod(namespace, name),
      async readPod(namespace, name) {
        const pod = await kubernetes.getPod(namespace, name);
        return pod && knownPodOf(pod, aws.policy());
      },
      authority: () => trust.poller.current().authority,
      denials,
      unconfirmed,
      onIssued: (identity) => void prefetch(identity),
    },
    { trustDomain: settings.trustDomain, certificateTtlMs: settings.certificateTtl },
  );
  const onResult = (code: string) => metrics.podCertificates.inc({ code });
  const earlier = createEarlierCertificates({ audit }, settings);
  const signer = startSigner({ clock, log, kubernetes, sign, onResult, earlier });
  shutdown.onClose("signer of pod certificates", async () => {
    await signer.stop();
    unconfirmed.end();
  });
  return signer;
}
