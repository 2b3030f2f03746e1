// The webhook's composition root, read top to bottom: what it knows of the cluster, its trust and certificate, the use
// case, the ports. What is decided stands in plan.ts.
import type { AddressInfo } from "node:net";
import type { Kubernetes } from "../kubernetes/api.ts";
import { createKubernetes } from "../kubernetes/client.ts";
import type { Namespace, ServiceAccount } from "../kubernetes/objects.ts";
import { createReflector } from "../kubernetes/reflector.ts";
import { buildLabels, createMetrics } from "../runtime/metrics.ts";
import { createPages } from "../runtime/pages.ts";
import type { ProgramDeps } from "../runtime/shutdown.ts";
import { createAdmit } from "./admit.ts";
import { createWebhookApp } from "./app.ts";
import { measureAdmission, measureReads } from "./instrument.ts";
import { type ClusterReader, createLookups } from "./lookups.ts";
import { WEBHOOK_METRICS } from "./metrics.ts";
import { choosesNativeSidecar, planSettings } from "./plan-settings.ts";
import { createServingCertificate } from "./serving-certificate.ts";
import type { WebhookSettings } from "./settings.ts";
import { createTrustBundle } from "./trust.ts";

/** The ports that were bound: settings may ask for any free one. */
export interface WebhookPorts {
  readonly webhook: number;
  readonly pages: number;
}

/** Below the 5 s of the webhook configuration, so that the refusal carries podrole's words. */
const LOOKUP_TIMEOUT_MS = 3_000;

/** Starts the webhook; resolves when it answers. What it opened is closed by `shutdown`. */
export async function startWebhook(deps: ProgramDeps, settings: WebhookSettings): Promise<WebhookPorts> {
  const { clock, log, audit, shutdown } = deps;
  const { signal } = shutdown;
  const metrics = createMetrics(WEBHOOK_METRICS);
  metrics.buildInfo.set(buildLabels(), 1);
  const kubernetes = createKubernetes({ kubeconfigPath: settings.kubeconfig, log, component: "podrole-webhook" });

  // What it knows of the cluster.
  const namespaces = createReflector(
    { source: kubernetes.source<Namespace>("namespaces"), clock, log },
    { project: named },
  );
  const accounts = createReflector(
    { source: kubernetes.source<ServiceAccount>("serviceaccounts"), clock, log },
    { project: named },
  );
  shutdown.onClose("watches", () => {
    namespaces.stop();
    accounts.stop();
  });
  const cluster: ClusterReader = {
    knownNamespace: (name) => namespaces.get(name),
    knownServiceAccount: (namespace, name) => accounts.get(`${namespace}/${name}`),
    readNamespace: (name) => kubernetes.getNamespace(name),
    readServiceAccount: (namespace, name) => kubernetes.getServiceAccount(namespace, name),
  };
  const nativeSidecar = await choosesNative(kubernetes, settings, deps);

  // Whom it believes, and by what it is believed.
  const trust = createTrustBundle({ kubernetes, clock, log, signal }, settings.trustConfigMap);
  const serving = createServingCertificate(
    { clock, log, signal, trust, onResult: (result) => metrics.servingRenewals.inc({ result }) },
    settings,
  );
  let ready = false;
  function unready(): readonly string[] {
    if (signal.aborted) return ["the webhook is stopping"];
    return ready ? [] : ["there is no serving certificate from podrole's server yet"];
  }
  const pages = createPages({
    exposeMetrics() {
      metrics.ready.set(unready().length === 0 ? 1 : 0);
      const notAfter = serving.notAfter();
      if (notAfter !== undefined) metrics.servingExpiry.set((notAfter - clock.now()) / 1000);
      metrics.watchAge.set({ resource: "namespaces" }, namespaces.ageMs() / 1000);
      metrics.watchAge.set({ resource: "serviceaccounts" }, accounts.ageMs() / 1000);
      return metrics.expose();
    },
    unready,
  });
  await pages.listen({ host: settings.pagesBind.host, port: settings.pagesBind.port });
  shutdown.onClose("pages", () => pages.close());
  await Promise.race([Promise.all([trust.ready, serving.ready, namespaces.ready]), aborted(signal)]);

  // The use case and its port.
  const lookups = createLookups({ clock, cluster: measureReads(cluster, metrics) }, { timeoutMs: LOOKUP_TIMEOUT_MS });
  const admit = createAdmit({
    clock,
    log,
    audit,
    lookups,
    settings() {
      const trustBundle = trust.current();
      return trustBundle === undefined ? undefined : planSettings(settings, { trustBundle, nativeSidecar });
    },
  });
  const app = createWebhookApp(
    {
      admit: measureAdmission(admit, metrics),
      log,
      tls: serving,
      onUnreadable: (status) => metrics.unreadable.inc({ status: String(status) }),
    },
    { host: settings.bind.host, port: settings.bind.port },
  );
  const ports = { webhook: await app.listen(), pages: (pages.server.address() as AddressInfo).port };
  shutdown.onClose("webhook port", () => app.close());
  ready = true;
  log.info({ ports, nativeSidecar }, "webhook is up");
  return ports;
}

async function choosesNative(
  kubernetes: Pick<Kubernetes, "serverVersion">,
  { nativeSidecar }: WebhookSettings,
  { log }: ProgramDeps,
): Promise<boolean> {
  if (nativeSidecar !== "auto") return nativeSidecar === "true";
  try {
    return choosesNativeSidecar(nativeSidecar, await kubernetes.serverVersion());
  } catch (error) {
    log.warn({ err: error }, "could not ask for the API server's version; taking it for 1.29 or newer");
    return true;
  }
}

/** What is read of a namespace or ServiceAccount: labels and annotations. */
function named<Kind extends Namespace | ServiceAccount>({ metadata }: Kind): Pick<Kind, "metadata"> {
  const { name, namespace, labels, annotations } = metadata;
  return {
    metadata: {
      ...(name !== undefined && { name }),
      ...(namespace !== undefined && { namespace }),
      ...(labels && { labels }),
      ...(annotations && { annotations }),
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }));
}
