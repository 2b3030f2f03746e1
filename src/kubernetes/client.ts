// The only user of @kubernetes/client-node: it loads kubeconfigs with credentials of every kind, the pod's own
// ServiceAccount, and TLS. Its generated API classes are not used: they rebuild each object field by field, drop fields
// that they do not know and turn times into Dates, while podrole needs objects exactly as they are in JSON.
// States: open (connections open with the first request, idle ones close after a while; pools are replaced every ten
// minutes) → closed, by `close()`, which ends all connections, also those of watches and of replaced pools.
import { delimiter } from "node:path";
import { HttpMethod, IsomorphicFetchHttpLibrary, KubeConfig, RequestContext } from "@kubernetes/client-node";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../runtime/due.ts";
import type { Log } from "../runtime/log.ts";
import type { Kubernetes } from "./api.ts";
import { RESPONSE_TOO_LARGE, UnusableKubeconfig } from "./errors.ts";
import { splitLines } from "./lines.ts";
import { createOperatorCalls, type OperatorKubernetes } from "./operator.ts";
import { createRequester, type Transport, type TransportRequest, type TransportResponse } from "./request.ts";
import { createResourceCalls } from "./resource-calls.ts";

/** Which API server to call, and as whom. */
export interface KubernetesOptions {
  /**
   * Files in KUBECONFIG's form (separated by ":"). Undefined: the ServiceAccount of the pod in which this process runs.
   */
  readonly kubeconfigPath: string | undefined;
  readonly log?: Log;
  readonly clock?: Clock;
  /** The program's name in the API server's audit log (User-Agent) and in Events. */
  readonly component?: string;
  /** Deadline of each request in milliseconds; for watches, until the first byte. */
  readonly deadlineMs?: number;
  /** Longest response that is read at once, in bytes; watches have a limit for each line instead. */
  readonly maxResponseBytes?: number;
  /** A context of the kubeconfig other than its current one. */
  readonly context?: string | undefined;
}

/** The calls of podrole's programs, with the end of their connections. */
export interface KubernetesClient extends Kubernetes {
  /** Ends every connection at once; requests and watches that still run reject, later requests reject as well. */
  close(): Promise<void>;
}

/** In milliseconds. The API server ends requests after 60 s; podrole's callers time out long before. */
const DEADLINE_MS = 10_000;

/** Creates a client without connecting. Throws UnusableKubeconfig. */
export function createKubernetes(options: KubernetesOptions): KubernetesClient {
  const { resourceCalls, close } = openConnections(options);
  return { ...resourceCalls, close };
}

/** Creates a client as createKubernetes() does, with the calls of an operator's commands as well. */
export function createOperatorKubernetes(options: KubernetesOptions): OperatorKubernetes & KubernetesClient {
  const { requester, resourceCalls, contextNamespace, close } = openConnections({
    maxResponseBytes: MAX_OPERATOR_RESPONSE_BYTES,
    ...options,
  });
  return { ...resourceCalls, ...createOperatorCalls({ requester }), contextNamespace, close };
}

function openConnections(options: KubernetesOptions) {
  const { kubeconfigPath, context, log, clock = systemClock, component = "podrole" } = options;
  const config = loadConfig(kubeconfigPath, context);
  const { maxResponseBytes = MAX_RESPONSE_BYTES } = options;
  const transport = createTransport(config, { clock, component, maxResponseBytes });
  log?.debug({ server: transport.server }, "created the Kubernetes client");
  const requester = createRequester({ transport, clock }, { deadlineMs: options.deadlineMs ?? DEADLINE_MS });
  const resourceCalls = createResourceCalls({ requester, clock, component });
  const contextNamespace = config.getContextObject(config.getCurrentContext())?.namespace || "default";
  return { requester, resourceCalls, contextNamespace, close: () => transport.close() };
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
    throw new UnusableKubeconfig(`Cannot set up the Kubernetes client: ${from} cannot be read`, { cause });
  }
  if (context !== undefined) {
    const names = config.getContexts().map(({ name }) => name);
    if (!names.includes(context)) {
      throw new UnusableKubeconfig(
        `Cannot set up the Kubernetes client: ${from} has no context "${context}"; expected one of ${names.join(", ")}`,
      );
    }
    config.setCurrentContext(context);
  }
  // Outside a pod the library returns "https://undefined:undefined".
  if (!URL.canParse(config.getCurrentCluster()?.server ?? "")) {
    throw new UnusableKubeconfig(
      `Cannot set up the Kubernetes client: ${from} names no API server; expected a kubeconfig or a pod's ServiceAccount`,
    );
  }
  return config;
}

/**
 * In milliseconds: how long what the library has applied to one request is used for further ones. Each time, it reads
 * the file of the CA and creates a pool. Far shorter than credentials live, which it renews before they expire.
 */
const APPLIED_LIFE_MS = 1_000;

type Dispatcher = NonNullable<ReturnType<RequestContext["getDispatcher"]>>;

/**
 * In milliseconds. Connections are replaced this often, so that a new cluster CA or client certificate is picked up.
 */
const POOL_LIFE_MS = 10 * 60_000;

/**
 * The largest object has 1.5 MiB in etcd, and up to 9 MiB as JSON, where one byte may take six. Larger pages are
 * requested again with fewer objects (list-pages.ts).
 */
const MAX_RESPONSE_BYTES = 12 * 1024 * 1024;
/** Logs are read in one piece. A response that never ends must not take all memory. */
const MAX_OPERATOR_RESPONSE_BYTES = 128 * 1024 * 1024;

/** Returns the text of a response. Throws an Error named ResponseTooLarge if it exceeds the bound. */
async function readResponseText(chunks: AsyncIterable<Uint8Array>, maxBytes: number): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of chunks) {
    bytes += chunk.byteLength;
    if (bytes > maxBytes) {
      const message = `Cannot read a response: it has more than ${maxBytes} bytes; expected fewer`;
      throw Object.assign(new Error(message), { name: RESPONSE_TOO_LARGE });
    }
    parts.push(chunk);
  }
  return new TextDecoder().decode(Buffer.concat(parts));
}

function createTransport(
  config: KubeConfig,
  {
    clock,
    component,
    maxResponseBytes,
  }: { readonly clock: Clock; readonly component: string; readonly maxResponseBytes: number },
): Transport & { close(): Promise<void> } {
  const server = config.getCurrentCluster()?.server ?? "";
  const http = new IsomorphicFetchHttpLibrary();
  let pool: { readonly dispatcher: Dispatcher; readonly until: DueTime } | undefined;
  let applied: { readonly headers: Readonly<Record<string, string>>; readonly until: DueTime } | undefined;
  /** Ends of replaced pools: pending while requests or watches still run on them. */
  const closings = new Set<Promise<void>>();
  const closed = new AbortController();

  /**
   * Version 2.0.1 creates a connection pool per request, and with it a TLS handshake; podrole reuses the first pool for
   * a while.
   */
  function keepPool(context: RequestContext): void {
    const isFresh = pool !== undefined && !isDue(clock, pool.until);
    if (!isFresh) {
      retire();
      const dispatcher = context.getDispatcher();
      pool = dispatcher && { dispatcher, until: dueAfter(clock, POOL_LIFE_MS) };
    }
  }

  /**
   * Adds the user's credentials and the pool. The library reads the ServiceAccount's token file again when its copy is
   * a minute old; the kubelet renews the file after 80 % of the token's lifetime.
   */
  async function authorize(context: RequestContext): Promise<void> {
    if (applied === undefined || isDue(clock, applied.until)) {
      const empty = new RequestContext(server, HttpMethod.GET);
      await config.applySecurityAuthentication(empty);
      closed.signal.throwIfAborted();
      keepPool(empty);
      applied = { headers: empty.getHeaders(), until: dueAfter(clock, APPLIED_LIFE_MS) };
    }
    for (const [name, value] of Object.entries(applied.headers)) context.setHeaderParam(name, value);
    if (pool) context.setDispatcher(pool.dispatcher);
  }

  /** Requests and watches on the old pool end normally: its close() waits for them. */
  function retire(): void {
    const closing = pool?.dispatcher
      .close()
      .catch(() => {})
      .finally(() => closings.delete(closing as Promise<void>));
    if (closing) closings.add(closing);
    pool = undefined;
    applied = undefined;
  }

  async function send(request: TransportRequest): Promise<TransportResponse> {
    const context = new RequestContext(server + request.path, HttpMethod[request.method]);
    context.setHeaderParam("Accept", request.accept ?? "application/json");
    context.setHeaderParam("User-Agent", component);
    for (const [name, value] of Object.entries(request.headers ?? {})) context.setHeaderParam(name, value);
    if (request.contentType !== undefined) context.setHeaderParam("Content-Type", request.contentType);
    if (request.body !== undefined) context.setBody(request.body);
    // Not left to the pools: undici's Agent forgets its connections once close() was called, so that destroy() ends
    // none.
    const signal = AbortSignal.any([request.signal, closed.signal]);
    context.setSignal(signal);
    await authorize(context);
    closed.signal.throwIfAborted();
    try {
      const { httpStatusCode, headers, body } = await http.send(context).toPromise();
      const longest = Math.min(maxResponseBytes, request.maxResponseBytes ?? Number.POSITIVE_INFINITY);
      return {
        status: httpStatusCode,
        headers,
        text: () => readResponseText((body.stream() ?? []) as unknown as AsyncIterable<Uint8Array>, longest),
        lines: (options) => splitLines(body.stream() as unknown as AsyncIterable<Uint8Array>, options),
      };
    } catch (error) {
      // A pool whose handshakes fail may hold a CA that was replaced.
      if (!signal.aborted) retire();
      throw error;
    }
  }

  return {
    server,
    send,
    async close() {
      closed.abort(Object.assign(new Error("the Kubernetes client is closed"), { name: "ClientClosed" }));
      const current = pool?.dispatcher;
      pool = undefined;
      await Promise.all([current?.destroy(), ...closings]);
    },
  };
}
