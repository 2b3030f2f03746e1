// One request to the Kubernetes API: deadline, one kind of error, JSON. The Transport in client.ts sends the bytes
// (kubeconfig, TLS, tokens).
import { setImmediate as nextTurn } from "node:timers/promises";
import type { Clock } from "../runtime/clock.ts";
import { parseObject } from "../runtime/json-object.ts";
import {
  type ApiError,
  type ApiStatus,
  type RbacRequest,
  requestRejected,
  requestTimedOut,
  serverUnreachable,
} from "./errors.ts";
import type { StreamLine } from "./lines.ts";

/** A request as it is sent. */
export interface TransportRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Absolute path on the API server, with its query. */
  readonly path: string;
  readonly contentType?: string;
  /** Default: "application/json". */
  readonly accept?: string;
  /** Further headers. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Longest response that is read at once, in bytes; by default the transport's own limit, which also holds. */
  readonly maxResponseBytes?: number;
  readonly signal: AbortSignal;
}

/** A response whose headers have arrived. */
export interface TransportResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  text(): Promise<string>;
  lines(options: { readonly maxBytes: number }): AsyncIterable<StreamLine>;
}

/** Sends requests to one API server, with its credentials and TLS. */
export interface Transport {
  /** The API server's address, for messages: "https://10.96.0.1:443". */
  readonly server: string;
  /** Resolves with the headers; rejects on anything that is not HTTP. */
  send(request: TransportRequest): Promise<TransportResponse>;
}

/** Requests to the Kubernetes API. Each throws ApiError. */
export interface Requester {
  /**
   * Returns the JSON of the response. Statuses in `expected` are returned as numbers; every other status above 299 is
   * thrown as ApiError.
   */
  request<Body>(info: RbacRequest, call: ApiCall, expected?: readonly number[]): Promise<Body | number>;
  /**
   * Returns a response as text, whatever its status: services behind the API server's proxy have statuses of their own.
   */
  page(info: RbacRequest, call: ApiCall): Promise<{ readonly status: number; readonly text: string }>;
  /**
   * Returns the lines of a response that stays open, each of at most `maxResponseBytes`; the deadline covers only its
   * headers. `signal` ends it.
   */
  stream(
    info: RbacRequest,
    call: ApiCall & { readonly maxResponseBytes: number },
    signal: AbortSignal,
  ): Promise<AsyncIterable<StreamLine>>;
}

/** What to send. The verb of `RbacRequest` selects the HTTP method. */
export interface ApiCall {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Further headers of the request. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Default: "application/json". */
  readonly accept?: string;
  readonly maxResponseBytes?: number;
  readonly signal?: AbortSignal;
}

const HTTP_METHODS = {
  get: "GET",
  list: "GET",
  watch: "GET",
  create: "POST",
  patch: "PATCH",
  delete: "DELETE",
} as const;

/** In characters. Most objects and answers are shorter. */
const LONG_RESPONSE = 64 * 1024;

/** Creates a requester. Each request has `deadlineMs` milliseconds until its response is read. */
export function createRequester(
  { transport, clock }: { readonly transport: Transport; readonly clock: Clock },
  { deadlineMs }: { readonly deadlineMs: number },
): Requester {
  function send(
    info: RbacRequest,
    { path, query = {}, headers, body, accept, maxResponseBytes }: ApiCall,
    signal: AbortSignal,
  ): Promise<TransportResponse> {
    return transport.send({
      method: HTTP_METHODS[info.verb],
      path: withQuery(path, query),
      ...(body !== undefined && {
        body: JSON.stringify(body),
        contentType: info.verb === "patch" ? "application/json-patch+json" : "application/json",
      }),
      ...(accept !== undefined && { accept }),
      ...(headers && { headers }),
      ...(maxResponseBytes !== undefined && { maxResponseBytes }),
      signal,
    });
  }

  function noResponse(info: RbacRequest, signal: AbortSignal, error: unknown): ApiError {
    return signal.reason === DEADLINE_PASSED
      ? requestTimedOut(info, transport.server, deadlineMs)
      : serverUnreachable(info, transport.server, error);
  }

  /** Sends the request and turns a status above 299 into an ApiError. A rejection of `read` counts as no response. */
  async function exchange<Result>(
    info: RbacRequest,
    call: ApiCall,
    signal: AbortSignal,
    read: (response: TransportResponse) => Promise<Result>,
  ): Promise<Result> {
    let refusal: ApiError;
    try {
      const response = await send(info, call, signal);
      if (response.status <= 299) return await read(response);
      const body = parseStatus(await response.text());
      refusal = requestRejected(info, response.status, body, retryAfterMs(response.headers["retry-after"]));
    } catch (error) {
      throw noResponse(info, signal, error);
    }
    throw refusal;
  }

  let before: Promise<unknown> = Promise.resolve();
  /**
   * Parses one long response per turn of the event loop, so that other work comes between two of them: whoever may
   * create objects chooses how long they are, and 2 MiB take up to 0.4 s.
   */
  async function parseInTurn<Body>(text: string): Promise<Body> {
    if (text.length >= LONG_RESPONSE) {
      const turn = before.then(() => nextTurn());
      before = turn;
      await turn;
    }
    return JSON.parse(text);
  }

  return {
    async request<Body>(info: RbacRequest, call: ApiCall, expected: readonly number[] = []): Promise<Body | number> {
      const deadline = deadlineSignal(clock, deadlineMs, call.signal);
      try {
        return await exchange(info, call, deadline.signal, async (response) =>
          parseInTurn<Body>(await response.text()),
        );
      } catch (error) {
        const status = error instanceof Error && "status" in error ? error.status : undefined;
        const wasExpected = expected.find((code) => code === status);
        if (wasExpected === undefined) throw error;
        return wasExpected;
      } finally {
        deadline.cancel();
      }
    },

    async page(info, call) {
      const deadline = deadlineSignal(clock, deadlineMs, call.signal);
      try {
        const response = await send(info, { accept: "*/*", ...call }, deadline.signal);
        return { status: response.status, text: await response.text() };
      } catch (error) {
        throw noResponse(info, deadline.signal, error);
      } finally {
        deadline.cancel();
      }
    },

    async stream(info, call, signal) {
      const deadline = deadlineSignal(clock, deadlineMs, signal);
      const response = await exchange(info, call, deadline.signal, (response) => Promise.resolve(response)).finally(
        deadline.cancel,
      );
      const lines = response.lines({ maxBytes: call.maxResponseBytes });
      return withErrors(lines, (error) => serverUnreachable(info, transport.server, error));
    },
  };
}

async function* withErrors<Item>(items: AsyncIterable<Item>, asError: (error: unknown) => Error): AsyncIterable<Item> {
  try {
    yield* items;
  } catch (error) {
    throw asError(error);
  }
}

/** Distinguished from the caller's abort by identity. */
const DEADLINE_PASSED = Symbol("deadline");

function deadlineSignal(clock: Clock, deadlineMs: number, outer?: AbortSignal) {
  const controller = new AbortController();
  const cancel = clock.schedule(() => controller.abort(DEADLINE_PASSED), deadlineMs);
  return { signal: outer ? AbortSignal.any([controller.signal, outer]) : controller.signal, cancel };
}

function withQuery(path: string, query: NonNullable<ApiCall["query"]>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return path;
  return `${path}?${new URLSearchParams(entries.map(([key, value]) => [key, String(value)])).toString()}`;
}

/** Load balancers respond with HTML, and some errors have no body: then the message has only the status. */
function parseStatus(text: string): ApiStatus {
  return parseObject(text) ?? {};
}

/** Seconds only: the API server never sends dates (RFC 9110 §10.2.3 allows both). */
function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}
