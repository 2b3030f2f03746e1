// The HTTP pages of server and webhook, for the kubelet and Prometheus. They expose no secret and decide nothing.
import { type FastifyInstance, fastify } from "fastify";

export interface PagesDeps {
  /** Returns the text of /metrics. */
  readonly exposeMetrics: () => Promise<string>;
  /** Returns why the program is not ready; empty when it is ready. */
  readonly unready: () => readonly string[];
}

/** Creates the routes without a listener, so that tests call them through inject(). */
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
