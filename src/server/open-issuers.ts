// Opens what issues certificates and credentials: the directory of pods (watches), Events, and the two use cases on
// them.
import type { Kubernetes } from "../kubernetes/api.ts";
import type { Refusal } from "../protocol/errors.ts";
import { repeat } from "../runtime/clock.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import type { ServerSettings } from "../settings/server.ts";
import type { LivingPods } from "./aws/settled-keys.ts";
import { createRefusalRecorder } from "./issue/events.ts";
import {
  type CertificateIssuerDeps,
  createCertificateIssuer,
  type IssueCertificate,
} from "./issue/issue-certificate.ts";
import { type CredentialIssuer, createCredentialIssuer } from "./issue/issue-credentials.ts";
import { type PodDirectory, startPodDirectory } from "./issue/pod-directory.ts";
import { createRepeatSampler, type RepeatSampler } from "./issue/repeat-sampler.ts";
import type { ResultObserver } from "./issue/result-observer.ts";
import { createSessionPolicyReader } from "./issue/session-policy-reader.ts";
import { startSkippedPods } from "./issue/skipped-pods.ts";
import { createSlowStarts } from "./issue/slow-starts.ts";
import { createReviewLimiter } from "./issue/token-reviews.ts";
import { createSignedPodReader } from "./issue/token-signature.ts";
import { createProofVerifier, type ProvenPod } from "./issue/verify-proof.ts";
import { measureCache } from "./observability/measure.ts";
import type { ServerMetrics } from "./observability/metrics.ts";
import type { OpenedAws } from "./open-aws.ts";
import { certificateNames, type OpenedTrust } from "./open-trust.ts";
import { createPodHoldings, type PodHoldings } from "./state/holdings.ts";
import { type RefusalLog, startRefusalLog } from "./state/refusal-log.ts";

/** The two use cases, and the directory of pods that they read. */
export interface OpenedIssuers {
  readonly directory: PodDirectory;
  readonly issueCertificate: IssueCertificate;
  readonly credentials: CredentialIssuer;
  /** Chooses which calls of a proven caller are recorded if it repeats them. */
  readonly calls: Pick<RepeatSampler, "write">;
  /** What pods hold, and the refusals that the replicas share. */
  readonly holdings: PodHoldings;
  readonly refusals: RefusalLog;
  /** Follows what pods report and request. */
  readonly observer: Pick<ResultObserver, "reported" | "requested">;
  /** True once the caches of pods, namespaces and service accounts have had their first list. */
  readonly isWatching: () => boolean;
}

interface ClusterDeps extends ProgramDeps {
  readonly kubernetes: Kubernetes;
  readonly metrics: ServerMetrics;
  readonly trust: OpenedTrust;
  readonly aws: OpenedAws;
}

const CACHE_SWEEP_INTERVAL_MS = 60_000;
/** Certificates, and refusals of one code, of a pod or a reader that are recorded one by one in a minute. */
const CALLS_RECORDED = 10;
/** Before the first list no pod counts as gone. */
const EVERY_POD: LivingPods = { has: () => true };

/** Starts the watches, and the sweep of sessions whose pods are gone. Does not wait for the first lists. */
export function openIssuers(deps: ClusterDeps, settings: ServerSettings): OpenedIssuers {
  const { clock, log, audit, shutdown, kubernetes, metrics, aws } = deps;
  const directory = startPodDirectory({ kubernetes, clock, log }, aws.policy());
  shutdown.onClose("watches", () => directory.stop());
  let isWatching = false;
  directory.ready.then(
    () => {
      isWatching = true;
    },
    () => {},
  );
  const holdings = createPodHoldings({
    clock,
    containersOf({ namespace, name, uid }) {
      const known = directory.knownPod(namespace, name);
      return known?.uid === uid ? known.facts.containers : undefined;
    },
  });
  const repeats = createRepeatSampler({ clock });
  // Its own, so that neither evicts lines of the other. A pod that starts again and again gets a certificate each time.
  const calls = createRepeatSampler({ clock }, { most: CALLS_RECORDED });
  void repeat({ clock, signal: shutdown.signal }, () => {
    repeats.sweep();
    calls.sweep();
    const living = directory.livingPods() ?? EVERY_POD;
    aws.cache.sweep(living);
    holdings.sweep(living);
    return CACHE_SWEEP_INTERVAL_MS;
  });
  const { ownership } = deps.trust;
  const refusals = startRefusalLog({ clock, log, kubernetes, ownership }, settings.refusalsConfigMap);
  shutdown.onClose("records of refusals", () => refusals.stop());
  const recordRefusal = createRefusalRecorder({
    kubernetes,
    clock,
    log,
    onRecorded: ({ code }) => metrics.events.inc({ code }),
  });
  const skippedPods = startSkippedPods({
    kubernetes,
    clock,
    log,
    onRecorded: (code) => metrics.events.inc({ code }),
  });
  shutdown.onClose("watch of skipped pods", () => skippedPods.stop());
  const slowStarts = createSlowStarts({
    clock,
    recordRefusal,
    hasHeld: holdings.hasHeld,
    pendingReason: () => (aws.limiter.waiting() > 0 ? "STS_THROTTLED" : "STS_UNAVAILABLE"),
  });
  const observer = observeAll({ holdings, refusals, slowStarts });

  const credentials = createCredentialIssuer({
    audit,
    directory,
    cache: measureCache(aws.cache, metrics),
    readSessionPolicy: createSessionPolicyReader({
      clock,
      getConfigMap: (namespace, name) => kubernetes.getConfigMap(namespace, name),
    }),
    recordRefusal,
    policy: aws.policy,
    repeats,
    observer,
  });
  function onRefused(pod: ProvenPod, refusal: Refusal): void {
    observer.refused(pod, undefined, refusal);
    recordRefusal(pod, refusal);
  }
  const issueCertificate = openCertificateIssuer(deps, settings, { directory, credentials, calls, onRefused });
  const issuers = { directory, issueCertificate, credentials, calls };
  return { ...issuers, holdings, refusals, observer, isWatching: () => isWatching };
}

function observeAll({
  holdings,
  refusals,
  slowStarts,
}: {
  readonly holdings: PodHoldings;
  readonly refusals: RefusalLog;
  readonly slowStarts: ReturnType<typeof createSlowStarts>;
}): ResultObserver {
  return {
    reported: holdings.reported,
    requested: slowStarts.requested,
    issued(...result) {
      holdings.issued(...result);
      slowStarts.issued(...result);
    },
    refused(...refusal) {
      for (const { refused } of [holdings, refusals, slowStarts]) refused(...refusal);
    },
    refusedUnknown(...refusal) {
      refusals.refusedUnknown(...refusal);
      // The Event of a slow start then names it as the cause.
      slowStarts.refused(refusal[0], undefined, refusal[1]);
    },
  };
}

function openCertificateIssuer(
  { clock, log, audit, kubernetes, trust }: ClusterDeps,
  { trustDomain, audience, certificateTtl, webhookServiceAccount, webhookNames }: ServerSettings,
  {
    directory,
    credentials,
    calls,
    onRefused,
  }: Pick<OpenedIssuers, "directory" | "credentials" | "calls"> & {
    readonly onRefused: NonNullable<CertificateIssuerDeps["onRefused"]>;
  },
): IssueCertificate {
  /** A pod that proved itself gets its credentials next. */
  async function prefetch({ known, namespace, name, uid, serviceAccount }: ProvenPod): Promise<void> {
    const identity = { trustDomain, namespace, serviceAccount, name, uid };
    try {
      await credentials.prefetch(identity, await directory.inContext(known));
    } catch (error) {
      log.warn({ err: error, namespace, pod: name }, "could not prefetch credentials");
    }
  }

  return createCertificateIssuer(
    {
      clock,
      audit,
      verifyProof: createProofVerifier(
        {
          clock,
          kubernetes,
          describe: directory.describe,
          readSignedPod: createSignedPodReader({ clock, log, kubernetes }),
          limitReviews: createReviewLimiter({ clock }),
        },
        { audience },
      ),
      authority: () => trust.poller.current().authority,
      prefetch,
      repeats: calls,
      onRefused,
    },
    {
      trustDomain,
      lifetimeMs: certificateTtl,
      webhook: {
        namespace: webhookServiceAccount.namespace,
        serviceAccount: webhookServiceAccount.name,
        ...certificateNames(webhookNames),
      },
    },
  );
}
