// The webhook's composition root, read from top to bottom: the cluster, trust and certificate, the status pages, and
// the use case with its port. Decisions are made in ../injection/plan.ts.
import type { Kubernetes } from "../kubernetes/api.ts";
import { createKubernetes } from "../kubernetes/client.ts";
import type { CloseReason } from "../runtime/budget.ts";
import { buildLabels } from "../runtime/build-info.ts";
import { untilAborted } from "../runtime/clock.ts";
import { createMetrics } from "../runtime/metrics.ts";
import { openPages } from "../runtime/pages.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import { choosesNativeSidecar, planSettings } from "../settings/plan-settings.ts";
import type { WebhookSettings } from "../settings/webhook.ts";
import { createAdmissionHandler } from "./admit.ts";
import { createWebhookApp } from "./app.ts";
import { ANY_CALLER, createRejectionLog, startCallerVerifier } from "./callers.ts";
import { createPodContextReader } from "./lookups.ts";
import { measureAdmission, measureReads, type WebhookMetrics } from "./measure.ts";
import { WEBHOOK_METRICS } from "./metrics.ts";
import { type OpenedWatches, openWatches } from "./open-watches.ts";
import { type RequestedCertificate, startRequestedCertificate } from "./requested-certificate.ts";
import { shareReads } from "./shared-reads.ts";
import { startTrustBundle } from "./trust-bundle.ts";

/** The ports that were bound; a setting of port 0 binds any free one. */
export interface WebhookPorts {
  readonly webhook: number;
  readonly pages: number;
}

/**
 * Of one review; shorter than the 5 s in the webhook configuration, so that podrole's denial arrives instead of a
 * timeout.
 */
const LOOKUP_TIMEOUT_MS = 3_000;

/** Starts the webhook; resolves when it serves. `shutdown` closes everything that it opened. */
export async function startWebhook(deps: ProgramDeps, settings: WebhookSettings): Promise<WebhookPorts> {
  const { clock, log, audit, shutdown } = deps;
  const { signal } = shutdown;
  const metrics = createMetrics(WEBHOOK_METRICS);
  metrics.buildInfo.set(buildLabels(), 1);

  const kubernetes = createKubernetes({
    kubeconfigPath: settings.kubeconfig,
    clock,
    log,
    component: "podrole-webhook",
  });
  shutdown.onClose("Kubernetes client", () => kubernetes.close());
  const { apiServerCa: caFile, apiServerName: name } = settings;
  const callers =
    caFile === undefined ? ANY_CALLER : await startCallerVerifier({ clock, log, signal }, { caFile, name });
  const cluster = openWatches(deps, kubernetes);
  const version = settings.nativeSidecar === "auto" ? await readVersion(kubernetes, deps) : undefined;
  const nativeSidecar = choosesNativeSidecar(settings.nativeSidecar, version);

  const trust = startTrustBundle({ kubernetes, clock, log, signal }, settings.trustConfigMap);
  const serving = startRequestedCertificate(
    { clock, log, signal, trust, onResult: (result) => metrics.servingRenewals.inc({ result }) },
    settings,
  );

  let isReady = false;
  const pages = await openStatusPages({ ...deps, metrics, cluster, serving, isReady: () => isReady }, settings);
  await Promise.race([Promise.all([trust.ready, serving.ready, cluster.ready]), untilAborted(signal)]);

  const lookups = createPodContextReader(
    { clock, cluster: shareReads(clock, measureReads(cluster, metrics)) },
    { timeoutMs: LOOKUP_TIMEOUT_MS },
  );
  const admit = createAdmissionHandler({
    clock,
    log,
    audit,
    lookups,
    settings() {
      const trustBundle = trust.current();
      if (trustBundle === undefined) return undefined;
      const knowsPodCertificates = trust.knowsPodCertificates();
      return planSettings(settings, { trustBundle, nativeSidecar, knowsPodCertificates });
    },
  });
  const logRejection = createRejectionLog({ clock, log });
  const app = createWebhookApp(
    {
      clock,
      callers,
      onRejected(reason) {
        metrics.rejectedCallers.inc({ reason });
        if (reason !== "CERTIFICATE_REJECTED") logRejection(reason);
      },
      admit: measureAdmission(admit, metrics),
      log,
      tls: serving,
      onUnreadable: (status) => metrics.unreadable.inc({ status: String(status) }),
      onClose: (reason) => metrics.connectionsClosed.inc({ port: "webhook", reason }),
    },
    { host: settings.bind.host, port: settings.bind.port, apiServerCidrs: settings.apiServerCidrs },
  );
  const ports = { webhook: await app.listen(), pages };
  shutdown.onClose("webhook port", () => app.close());
  isReady = true;
  log.info({ ports, nativeSidecar }, "webhook is up");
  return ports;
}

interface WebhookPagesDeps extends ProgramDeps {
  readonly metrics: WebhookMetrics;
  readonly cluster: OpenedWatches;
  readonly serving: RequestedCertificate;
  readonly isReady: () => boolean;
}

/** Serves /metrics, /healthz and /readyz; resolves with the port. */
function openStatusPages(
  { clock, shutdown, metrics, cluster, serving, isReady }: WebhookPagesDeps,
  { pagesBind }: WebhookSettings,
): Promise<number> {
  function unready(): readonly string[] {
    if (shutdown.signal.aborted) return ["the webhook is stopping"];
    if ((serving.expiresInMs() ?? 0) < 0) return ["the webhook's serving certificate has expired"];
    return isReady() ? [] : ["there is no serving certificate from podrole's server yet"];
  }
  const onClose = (reason: CloseReason) => metrics.connectionsClosed.inc({ port: "pages", reason });
  async function exposeMetrics(): Promise<string> {
    metrics.ready.set(unready().length === 0 ? 1 : 0);
    const expiresInMs = serving.expiresInMs();
    if (expiresInMs !== undefined) metrics.servingExpiry.set(expiresInMs / 1000);
    for (const [resource, ageMs] of Object.entries(cluster.ages())) metrics.watchAge.set({ resource }, ageMs / 1000);
    return metrics.expose();
  }
  return openPages({ clock, shutdown, onClose, exposeMetrics, unready }, pagesBind);
}

/** Resolves with the API server's version; undefined if it cannot be read. */
async function readVersion(kubernetes: Pick<Kubernetes, "serverVersion">, { log }: ProgramDeps) {
  try {
    return await kubernetes.serverVersion();
  } catch (error) {
    log.warn({ err: error }, "could not read the API server's version; assuming 1.29 or newer");
    return undefined;
  }
}
