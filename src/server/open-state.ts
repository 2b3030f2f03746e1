// Opens the state port on what the other openings provide: the pods' directory and holdings, refusals, trust and STS.
import { hostname } from "node:os";
import type { Kubernetes } from "../kubernetes/api.ts";
import type { CloseReason } from "../runtime/budget.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import { VERSION } from "../runtime/version.ts";
import { rotationOptions, type ServerSettings } from "../settings/server.ts";
import { createReviewLimiter } from "./issue/token-reviews.ts";
import { createSignedPodReader } from "./issue/token-signature.ts";
import type { ServerMetrics } from "./observability/metrics.ts";
import type { OpenedAws } from "./open-aws.ts";
import type { OpenedIssuers } from "./open-issuers.ts";
import type { OpenedTrust } from "./open-trust.ts";
import { createReaderAuthorizer, READER_REVIEW_LIMITS } from "./state/authorize-reader.ts";
import { createStateAnswer, type StateSources } from "./state/state-answer.ts";
import { openStatePort } from "./state/state-app.ts";
import { createTrustReporter } from "./state/trust-state.ts";

interface StateDeps extends ProgramDeps {
  readonly kubernetes: Kubernetes;
  readonly metrics: ServerMetrics;
  readonly trust: OpenedTrust;
  readonly aws: OpenedAws;
  readonly issuers: OpenedIssuers;
  /** Returns what does not work, as /readyz does. */
  readonly problems: () => readonly string[];
}

/** Binds the port until shutdown; resolves with its number, rejects if it cannot be bound. */
export async function openState(deps: StateDeps, settings: ServerSettings): Promise<number> {
  const { clock, log, audit, shutdown, kubernetes, metrics, trust } = deps;
  const authorize = createReaderAuthorizer(
    {
      clock,
      kubernetes,
      readSignedPod: createSignedPodReader({ clock, log, kubernetes }),
      limitReviews: createReviewLimiter({ clock }, READER_REVIEW_LIMITS),
    },
    settings,
  );
  const answer = createStateAnswer(
    { clock, audit, repeats: deps.issuers.calls, authorize, sources: stateSources(deps, settings) },
    // In Kubernetes a pod's name is its host name, unless spec.hostname changes that.
    { name: hostname(), version: VERSION, startedAt: new Date(clock.now()).toISOString() },
  );
  const onClose = (reason: CloseReason) => metrics.connectionsClosed.inc({ port: "state", reason });
  const opened = await openStatePort({ clock, log, tls: trust.serving, answer, onClose }, settings.stateBind);
  shutdown.onClose("state port", () => opened.close());
  return opened.port;
}

function stateSources({ clock, trust, aws, issuers, problems }: StateDeps, settings: ServerSettings): StateSources {
  const { directory, holdings, refusals } = issuers;
  return {
    knownPods: () => directory.knownPods(),
    holdingsOf: (uid) => holdings.of(uid),
    refusals: () => refusals.records(),
    trust: createTrustReporter(
      { clock, current: () => trust.poller.current(), servingExpiresInMs: () => trust.serving.expiresInMs() },
      rotationOptions(settings),
    ),
    sts() {
      const { windowMs, namespaces } = aws.limiter.usage();
      const windowSeconds = Math.round(windowMs / 1000);
      return { ...aws.tally.counts(), waiting: aws.limiter.waiting(), windowSeconds, namespaces };
    },
    account: aws.account,
    problems,
  };
}
