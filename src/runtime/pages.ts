// The HTTP pages of server and webhook, for the kubelet and Prometheus. They expose no secret and decide nothing. The
// kubelet's probe is one short request on a new connection, for which the budget always makes room.
import type { AddressInfo } from "node:net";
import { type FastifyInstance, fastify } from "fastify";
import { type BudgetLimits, type CloseReason, createBudget } from "./budget.ts";
import { endWithBody, LISTEN_BACKLOG, limitHttp, nodeTimeouts } from "./budget-http.ts";
import type { Clock } from "./clock.ts";
import { reuseExposition } from "./exposition.ts";
import type { Address } from "./settings.ts";
import type { Shutdown } from "./shutdown.ts";

/** What the pages report on. */
export interface PagesDeps {
  readonly clock: Clock;
  /** Receives the reason of each connection that the budget closes. */
  readonly onClose?: (reason: CloseReason) => void;
  /** Returns the text of /metrics. */
  readonly exposeMetrics: () => Promise<string>;
  /** Returns why the program is not ready; empty when it is ready. */
  readonly unready: () => readonly string[];
  /** Returns what does not work although requests must still reach the program; /readyz lists it and answers 200. */
  readonly degraded?: () => readonly string[];
}

/** At most 2 MiB: about 20 KiB for a connection, and responses of up to 100 KB that are shared. */
const PAGES_LIMITS: BudgetLimits = {
  connections: 64,
  requests: 64,
  // No page has a body.
  bytes: 64 * 1024,
  // No client pipelines; but the next request may be read before this process learns that the last response is written.
  requestsPerConnection: 2,
  headersMs: 5_000,
  bodyMs: 5_000,
  callMs: 10_000,
  keepAliveMs: 5_000,
  sweepMs: 1_000,
};

/** Serves the pages until `shutdown` closes them; resolves with the port, rejects if it cannot be bound. */
export async function openPages(
  { shutdown, ...deps }: PagesDeps & { readonly shutdown: Pick<Shutdown, "onClose"> },
  { host, port }: Address,
): Promise<number> {
  const pages = createPages(deps);
  await pages.listen({ host, port, backlog: LISTEN_BACKLOG });
  shutdown.onClose("pages", () => pages.close());
  return (pages.server.address() as AddressInfo).port;
}

/** Creates the routes without a listener, so that tests call them through inject(). */
export function createPages(
  { clock, onClose, exposeMetrics, unready, degraded = () => [] }: PagesDeps,
  { limits = PAGES_LIMITS }: { readonly limits?: BudgetLimits } = {},
): FastifyInstance {
  const timeouts = nodeTimeouts(limits);
  const { keepAliveTimeout, requestTimeout } = timeouts;
  const pages = fastify({ http: timeouts, keepAliveTimeout, requestTimeout, forceCloseConnections: true });
  const requests = limitHttp(pages.server, createBudget({ clock, ...(onClose && { onClose }) }, limits));
  pages.addHook("onRequest", (request, reply, done) => {
    if (!requests.begin(request.raw, reply.raw)) return void reply.hijack();
    endWithBody(request.raw, reply.raw);
    if (request.method === "GET" || request.method === "HEAD") return done();
    const message = `Cannot serve the request: the method is ${request.method}; expected GET`;
    void reply.code(405).headers({ allow: "GET, HEAD", connection: "close" }).send({ message });
  });
  const metrics = reuseExposition(clock, exposeMetrics);

  pages.get("/healthz", () => ({ status: "ok" }));
  pages.get("/readyz", (_request, reply) => {
    const reasons = unready();
    const ready = reasons.length === 0;
    return reply.code(ready ? 200 : 503).send({ ready, reasons, degraded: degraded() });
  });
  pages.get("/metrics", async (_request, reply) => {
    const text = await metrics();
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
  });
  return pages;
}
