// The HTTP pages of server and webhook, for kubelet and Prometheus. No secret is behind any of them; nothing is decided.
import { type FastifyInstance, fastify } from "fastify";

export interface PagesDeps {
  /** Text of /metrics. */
  readonly exposeMetrics: () => Promise<string>;
  /** Why the program is not ready, empty when it is. */
  readonly unready: () => readonly string[];
}

/** Routes without a listener, so that tests ask through inject(). */
export function createPages({ exposeMetrics, unready }: PagesDeps): FastifyInstance {
  const pages = fastify({ forceCloseConnections: true });
  pages.get("/healthz", () => ({ status: "ok" }));
  pages.get("/readyz", (_request, reply) => {
    const reasons = unready();
    return reply.code(reasons.length === 0 ? 200 : 503).send({ ready: reasons.length === 0, reasons });
  });
  pages.get("/metrics", async (_request, reply) => {
    const text = await exposeMetrics();
    return reply.type("text/plain; version=0.0.4; charset=utf-8").send(text);
  });
  return pages;
}
