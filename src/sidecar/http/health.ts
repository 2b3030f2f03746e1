// Health and metrics on a port of their own that the kubelet can reach: it cannot reach the pod's loopback addresses.
// Whatever can reach the pod can read these pages, so they contain neither credentials nor reasons.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { BudgetLimits } from "../../runtime/budget.ts";
import type { Clock } from "../../runtime/clock.ts";
import { reuseExposition } from "../../runtime/exposition.ts";
import type { CredentialStore } from "../credential-store.ts";
import type { SidecarMetrics } from "../metrics.ts";
import type { Renewals } from "../renewal/renewals.ts";
import { createPodServer, HEALTH_LIMITS, type HttpServer, type HttpServerDeps } from "./servers.ts";

/** What the pages report on. */
export interface HealthServerDeps {
  readonly clock: Clock;
  readonly store: Pick<CredentialStore, "isReady" | "expiries">;
  readonly renewals: Pick<Renewals, "isStuck">;
  readonly metrics: Pick<SidecarMetrics, "expose">;
  readonly onClose?: HttpServerDeps["onClose"];
}

const HEALTH_CLOSE_GRACE_MS = 100;

/** Creates the server of /healthz, /readyz and /metrics. */
export function createHealthServer(
  { clock, store, renewals, metrics, onClose }: HealthServerDeps,
  { port, limits = HEALTH_LIMITS }: { readonly port: number; readonly limits?: BudgetLimits },
): HttpServer {
  function handle({ url, method }: IncomingMessage, response: ServerResponse): void {
    if (method !== "GET" && method !== "HEAD") return sendText(response, 405, "GET only\n");
    if (url === "/healthz")
      return renewals.isStuck() ? sendText(response, 503, "stuck\n") : sendText(response, 200, "ok\n");
    if (url === "/readyz")
      return store.isReady() ? sendText(response, 200, "ready\n") : sendText(response, 503, "not yet\n");
    if (url === "/metrics") return sendText(response, 200, exposition());
    sendText(response, 404, "/healthz, /readyz or /metrics\n");
  }

  const exposition = reuseExposition(clock, () => {
    const now = clock.now();
    const { credentials, certificate } = store.expiries();
    return metrics.expose({
      ready: store.isReady(),
      credentialsMs: credentials === undefined ? undefined : credentials - now,
      certificateMs: certificate === undefined ? undefined : certificate - now,
    });
  });

  return createPodServer({ clock, handle, onClose }, { port, closeGraceMs: HEALTH_CLOSE_GRACE_MS, limits });
}

function sendText(response: ServerResponse, status: number, text: string): void {
  // A request with another method may have a body, which is not read.
  const close = status === 405 ? { Connection: "close" } : {};
  response.writeHead(status, { "Content-Type": "text/plain; version=0.0.4", ...close }).end(text);
}
