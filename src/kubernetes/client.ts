// The one user of @kubernetes/client-node: kubeconfig or the pod's own ServiceAccount, credentials of every kind that
// kubeconfigs know, TLS. Its generated API classes are not used: they rebuild each object field by field, drop fields
// they do not know and turn times into Dates, while podrole wants objects as they stand in JSON.
// Lifetime: connections open with the first request, idle ones close by themselves, `close()` ends them all.
import { delimiter } from "node:path";
import { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, RequestContext } from "@kubernetes/client-node";
import { PodroleError } from "../protocol/errors.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import type { Log } from "../runtime/log.ts";
import type { Kubernetes } from "./api.ts";
import { splitLines } from "./lines.ts";
import { createOperations } from "./operations.ts";
import { createOperatorCalls, type OperatorKubernetes } from "./operator.ts";
import { createRequester, type Transport, type TransportRequest, type TransportResponse } from "./request.ts";

export interface KubernetesOptions {
  /** Files as in KUBECONFIG (separated by ":"). Without: the ServiceAccount of the pod that this process runs in. */
  readonly kubeconfigPath: string | undefined;
  readonly log?: Log;
  readonly clock?: Clock;
  /** The program's name in the API server's audit log (User-Agent) and in Events. */
  readonly component?: string;
  /** For each request; watches: until their first byte. */
  readonly deadlineMs?: number;
  /** A context of the kubeconfig instead of its current one. */
  readonly context?: string | undefined;
}

export interface KubernetesClient extends Kubernetes {
  close(): Promise<void>;
}

/** The API server ends requests of its own after 60 s; podrole's callers have given up long before. */
const DEADLINE_MS = 10_000;

/** Throws KUBERNETES_UNAVAILABLE when the configuration cannot be read; connects to nothing yet. */
export function createKubernetes(options: KubernetesOptions): KubernetesClient {
  const { operations, close } = connect(options);
  return { ...operations, close };
}

/** As createKubernetes(), with what a person's command asks besides. */
export function createOperatorKubernetes(options: KubernetesOptions): OperatorKubernetes & KubernetesClient {
  const { requester, operations, contextNamespace, close } = connect(options);
  return { ...operations, ...createOperatorCalls({ requester }), contextNamespace, close };
}

function connect(options: KubernetesOptions) {
  const { kubeconfigPath, context, log, clock = systemClock, component = "podrole" } = options;
  const config = loadConfig(kubeconfigPath, context);
  const transport = createTransport(config, { clock, component });
  log?.debug({ server: transport.server }, "Kubernetes client is set up");
  const requester = createRequester({ transport, clock }, { deadlineMs: options.deadlineMs ?? DEADLINE_MS });
  const operations = createOperations({ requester, clock, component });
  const contextNamespace = config.getContextObject(config.getCurrentContext())?.namespace || "default";
  return { requester, operations, contextNamespace, close: () => transport.close() };
}

function loadConfig(kubeconfigPath: string | undefined, context: string | undefined): KubeConfig {
  const config = new KubeConfig();
  const [first, ...others] = (kubeconfigPath ?? "").split(delimiter).filter(Boolean);
  const from = first === undefined ? "the pod's ServiceAccount" : `kubeconfig ${kubeconfigPath}`;
  try {
    if (first === undefined) config.loadFromCluster();
    else config.loadFromFile(first);
    for (const path of others) {
      const more = new KubeConfig();
      more.loadFromFile(path);
      config.mergeConfig(more, true);
    }
  } catch (cause) {
    throw new PodroleError("KUBERNETES_UNAVAILABLE", `Cannot set up the Kubernetes client: ${from} cannot be read`, {
      cause,
    });
  }
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      throw new PodroleError(
        "KUBERNETES_UNAVAILABLE",
        `Cannot set up the Kubernetes client: ${from} has no context "${context}", wanted one of ${names.join(", ")}`,
      );
    }
    config.setCurrentContext(context);
  }
  // Outside a pod the library makes up "https://undefined:undefined".
  if (!URL.canParse(config.getCurrentCluster()?.server ?? "")) {
    throw new PodroleError(
      "KUBERNETES_UNAVAILABLE",
      `Cannot set up the Kubernetes client: ${from} names no API server, a kubeconfig or a pod is needed`,
    );
  }
  return config;
}

type Dispatcher = NonNullable<ReturnType<RequestContext["getDispatcher"]>>;

/** Connections are made anew this often, so that a new cluster CA or client certificate is picked up. */
const POOL_LIFE_MS = 10 * 60_000;

function createTransport(
  config: KubeConfig,
  { clock, component }: { readonly clock: Clock; readonly component: string },
): Transport & { close(): Promise<void> } {
  const server = config.getCurrentCluster()?.server ?? "";
  const http = new IsomorphicFetchHttpLibrary();
  let pool: { readonly dispatcher: Dispatcher | undefined; readonly since: number } | undefined;

  /** 2.0.1 makes a pool a request, and with it a TLS handshake; podrole keeps the first one for a while. */
  function keepPool(context: RequestContext): void {
    const isFresh = pool !== undefined && clock.now() - pool.since < POOL_LIFE_MS;
    if (!isFresh) {
      // Requests and watches that run on the old one end by themselves; close() waits for them.
      retire();
      pool = { dispatcher: context.getDispatcher(), since: clock.now() };
    }
    if (pool?.dispatcher) context.setDispatcher(pool.dispatcher);
  }

  function retire(): void {
    pool?.dispatcher?.close().catch(() => {});
    pool = undefined;
  }

  async function send(request: TransportRequest): Promise<TransportResponse> {
    const context = new RequestContext(server + request.path, HttpMethod[request.method]);
    context.setHeaderParam("Accept", request.accept ?? "application/json");
    context.setHeaderParam("User-Agent", component);
    if (request.contentType !== undefined) context.setHeaderParam("Content-Type", request.contentType);
    if (request.body !== undefined) context.setBody(request.body);
    context.setSignal(request.signal);
    // Reads the ServiceAccount's token file again when its copy is a minute old; the kubelet renews it at 80 % of its life.
    await config.applySecurityAuthentication(context);
    keepPool(context);
    try {
      const { httpStatusCode, headers, body } = await http.send(context).toPromise();
      return {
        status: httpStatusCode,
        headers,
        text: () => body.text(),
        lines: () => splitLines(body.stream() as unknown as AsyncIterable<Uint8Array>),
      };
    } catch (error) {
      // A pool whose handshakes fail may hold a CA that was replaced.
      if (!request.signal.aborted) retire();
      throw error;
    }
  }

  return {
    server,
    send,
    async close() {
      const dispatcher = pool?.dispatcher;
      pool = undefined;
      await dispatcher?.destroy();
    },
  };
}
