// One request to the Kubernetes API: deadline, one kind of error, JSON. How bytes travel (kubeconfig, TLS, tokens) is
// the Transport's business, in client.ts.
import type { Clock } from "../runtime/clock.ts";
import { type ApiError, type ApiStatus, type Asked, refusedBy, tooSlow, unreachable } from "./errors.ts";

export interface TransportRequest {
  readonly method: "GET" | "POST" | "PATCH" | "DELETE";
  /** Absolute path on the API server, with its query. */
  readonly path: string;
  readonly contentType?: string;
  /** "application/json" unless given. */
  readonly accept?: string;
  readonly body?: string;
  readonly signal: AbortSignal;
}

export interface TransportResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  text(): Promise<string>;
  lines(): AsyncIterable<string>;
}

export interface Transport {
  /** Where it goes, for messages: "https://10.96.0.1:443". */
  readonly server: string;
  /** Resolves with the headers; rejects on anything that is not HTTP. */
  send(request: TransportRequest): Promise<TransportResponse>;
}

export interface Requester {
  /** The answer's JSON. Statuses in `expected` are answered as numbers; all others above 299 are thrown as ApiError. */
  request<Body>(asked: Asked, call: Call, expected?: readonly number[]): Promise<Body | number>;
  /** An answer that is text, whatever its status: what stands behind the API server's proxy has statuses of its own. */
  page(asked: Asked, call: Call): Promise<{ readonly status: number; readonly text: string }>;
  /** The lines of an answer that goes on: the deadline covers its headers only. `signal` ends it. */
  stream(asked: Asked, call: Call, signal: AbortSignal): Promise<AsyncIterable<string>>;
}

/** What to send; the verb of `Asked` chooses the method. */
export interface Call {
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly signal?: AbortSignal;
}

const METHODS = { get: "GET", list: "GET", watch: "GET", create: "POST", patch: "PATCH", delete: "DELETE" } as const;

export function createRequester(
  { transport, clock }: { readonly transport: Transport; readonly clock: Clock },
  { deadlineMs }: { readonly deadlineMs: number },
): Requester {
  function send(
    asked: Asked,
    { path, query = {}, body }: Call,
    signal: AbortSignal,
    accept?: string,
  ): Promise<TransportResponse> {
    return transport.send({
      method: METHODS[asked.verb],
      path: withQuery(path, query),
      ...(body !== undefined && {
        body: JSON.stringify(body),
        contentType: asked.verb === "patch" ? "application/json-patch+json" : "application/json",
      }),
      ...(accept !== undefined && { accept }),
      signal,
    });
  }

  function noAnswer(asked: Asked, signal: AbortSignal, error: unknown): ApiError {
    return signal.reason === DEADLINE
      ? tooSlow(asked, transport.server, deadlineMs)
      : unreachable(asked, transport.server, error);
  }

  /** Sends, and turns what is no 2xx into an ApiError. Rejections of `read` count as no answer. */
  async function exchange<Result>(
    asked: Asked,
    call: Call,
    signal: AbortSignal,
    read: (response: TransportResponse) => Promise<Result>,
  ): Promise<Result> {
    let response: TransportResponse;
    let answer: Result | ApiStatus;
    const isRefused = () => response.status > 299;
    try {
      response = await send(asked, call, signal);
      answer = isRefused() ? parseStatus(await response.text()) : await read(response);
    } catch (error) {
      throw noAnswer(asked, signal, error);
    }
    if (isRefused()) {
      throw refusedBy(asked, response.status, answer as ApiStatus, retryAfterMs(response.headers["retry-after"]));
    }
    return answer as Result;
  }

  return {
    async request<Body>(asked: Asked, call: Call, expected: readonly number[] = []): Promise<Body | number> {
      const deadline = deadlineSignal(clock, deadlineMs, call.signal);
      try {
        return await exchange(asked, call, deadline.signal, async (response) => JSON.parse(await response.text()));
      } catch (error) {
        const status = error instanceof Error && "status" in error ? error.status : undefined;
        const wasExpected = expected.find((code) => code === status);
        if (wasExpected === undefined) throw error;
        return wasExpected;
      } finally {
        deadline.cancel();
      }
    },

    async page(asked, call) {
      const deadline = deadlineSignal(clock, deadlineMs, call.signal);
      try {
        const response = await send(asked, call, deadline.signal, "*/*");
        return { status: response.status, text: await response.text() };
      } catch (error) {
        throw noAnswer(asked, deadline.signal, error);
      } finally {
        deadline.cancel();
      }
    },

    async stream(asked, call, signal) {
      const deadline = deadlineSignal(clock, deadlineMs, signal);
      const response = await exchange(asked, call, deadline.signal, (response) => Promise.resolve(response)).finally(
        deadline.cancel,
      );
      return linesOf(response, (error) => unreachable(asked, transport.server, error));
    },
  };
}

async function* linesOf(response: TransportResponse, asError: (error: unknown) => Error): AsyncIterable<string> {
  try {
    yield* response.lines();
  } catch (error) {
    throw asError(error);
  }
}

/** Told apart from a caller's abort by identity. */
const DEADLINE = Symbol("deadline");

function deadlineSignal(clock: Clock, deadlineMs: number, outer?: AbortSignal) {
  const controller = new AbortController();
  const cancel = clock.schedule(() => controller.abort(DEADLINE), deadlineMs);
  return { signal: outer ? AbortSignal.any([controller.signal, outer]) : controller.signal, cancel };
}

function withQuery(path: string, query: NonNullable<Call["query"]>): string {
  const entries = Object.entries(query).filter(([, value]) => value !== undefined);
  if (entries.length === 0) return path;
  return `${path}?${new URLSearchParams(entries.map(([key, value]) => [key, String(value)])).toString()}`;
}

/** Load balancers answer with HTML, and some errors have no body: then the status alone has to do. */
function parseStatus(text: string): ApiStatus {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? body : {};
  } catch {
    return {};
  }
}

/** Seconds only: the API server sends no dates (RFC 9110, 10.2.3 allows both). */
function retryAfterMs(header: string | undefined): number | undefined {
  const seconds = Number(header ?? Number.NaN);
  return Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : undefined;
}
