// The gauges of the server, computed at each scrape instead of at each change.
import type { Listener } from "../../protocol/listener.ts";
import type { CredentialCache } from "../aws/credential-cache.ts";
import type { StsLimiter } from "../aws/sts-limiter.ts";
import type { ServerMetrics } from "./metrics.ts";

/** What the gauges show. */
export interface GaugeSources {
  readonly isReady: boolean;
  /** By the value of label `port`. */
  readonly listeners: Readonly<Record<string, Pick<Listener, "connections">>>;
  readonly cache: Pick<CredentialCache, "size" | "nearestExpiryMs">;
  readonly limiter: Pick<StsLimiter, "waiting" | "topNamespace">;
  /** Unix milliseconds. */
  readonly authorityNotAfter: number;
  /** Negative once the certificate has expired. */
  readonly servingExpiresInMs: number;
  /** Milliseconds since each cache was last proved fresh, by the value of label `resource`. */
  readonly watchAgesMs: Readonly<Record<string, number>>;
  /** Requests for pod certificates without an answer. */
  readonly podCertificates: { readonly waiting: number; readonly oldestMs: number };
}

/** Sets every gauge as of `now` (Unix milliseconds); durations are exposed in seconds, as Prometheus expects. */
export function refreshGauges(metrics: ServerMetrics, now: number, sources: GaugeSources): void {
  const { isReady, listeners, cache, limiter, authorityNotAfter, servingExpiresInMs, watchAgesMs } = sources;
  const { podCertificates } = sources;
  metrics.ready.set(isReady ? 1 : 0);
  for (const [port, listener] of Object.entries(listeners)) setConnections(metrics, port, listener);
  metrics.cacheSize.set(cache.size);
  metrics.nearestExpiry.set(cache.nearestExpiryMs() / 1000);
  metrics.stsWaiting.set(limiter.waiting());
  const top = limiter.topNamespace();
  // One series at a time, because the number of namespaces has no bound.
  metrics.stsTopNamespace.reset();
  if (top) metrics.stsTopNamespace.set({ caller_namespace: top.namespace }, top.share);
  metrics.podCertificatesWaiting.set(podCertificates.waiting);
  metrics.podCertificatesOldest.set(podCertificates.oldestMs / 1000);
  metrics.authorityExpiry.set((authorityNotAfter - now) / 1000);
  metrics.servingExpiry.set(servingExpiresInMs / 1000);
  for (const [resource, ageMs] of Object.entries(watchAgesMs)) metrics.watchAge.set({ resource }, ageMs / 1000);
}

/** prom-client counters cannot be set, so the listener's own count replaces the counter's value. */
function setConnections(metrics: ServerMetrics, port: string, listener: Pick<Listener, "connections">): void {
  const { open, opened } = listener.connections();
  metrics.connections.set({ port }, open);
  metrics.connectionsOpened.remove({ port });
  metrics.connectionsOpened.inc({ port }, opened);
}
