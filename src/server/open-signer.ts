// Opens the signer of pod certificates, unless --pod-certificates is off.
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
import { type ClusterSupport, startClusterSupport, statedSupport } from "./signer/cluster-support.ts";
import { createEarlierCertificates } from "./signer/earlier-certificates.ts";
import { createRequestSigner } from "./signer/sign-request.ts";
import { type PodCertificateSigner, startSigner } from "./signer/start-signer.ts";
import { createUnconfirmedAnswers } from "./signer/unconfirmed-answers.ts";

/** Returns what --pod-certificates states, or with auto starts to look at the cluster, until shutdown. */
export function openClusterSupport(
  {
    clock,
    log,
    shutdown,
    kubernetes,
  }: Pick<ProgramDeps, "clock" | "log" | "shutdown"> & Pick<OpenSignerDeps, "kubernetes">,
  { podCertificates }: ServerSettings,
): ClusterSupport {
  if (podCertificates !== "auto") return statedSupport(podCertificates);
  return startClusterSupport({ kubernetes, clock, log, signal: shutdown.signal });
}

/** The signer, which exists once the API server is known to serve requests. */
export interface OpenedSigner {
  current(): PodCertificateSigner | undefined;
}

interface OpenSignerDeps extends ProgramDeps {
  readonly kubernetes: Kubernetes;
  readonly metrics: ServerMetrics;
  readonly trust: OpenedTrust;
  readonly aws: OpenedAws;
  readonly issuers: Pick<OpenedIssuers, "directory" | "credentials">;
  readonly support: ClusterSupport;
}

/** Starts the signer as soon as the API server serves requests; it ends with the server. */
export function openSigner(deps: OpenSignerDeps, settings: ServerSettings): OpenedSigner {
  let signer: PodCertificateSigner | undefined;
  void deps.support.served.then(() => {
    signer = startOwnSigner(deps, settings);
  });
  return { current: () => signer };
}

function startOwnSigner(deps: OpenSignerDeps, settings: ServerSettings): PodCertificateSigner {
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
    {
      trustDomain: settings.trustDomain,
      certificateTtlMs: settings.certificateTtl,
      renewalMs: settings.podCertificateRenewal,
    },
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
