// The credentials endpoint on the pod's loopback. Every container of the pod can reach it, so the token decides: it
// names the container, and a container gets its own credentials or none. Answers come from memory; a request that finds
// nothing waits up to 900 ms for the renewal in flight, because an immediate 503 exhausts some SDKs in 0.15 s.
import type { IncomingMessage, ServerResponse } from "node:http";
import { ERRORS, type ErrorCode, PodroleError, type Refusal } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Log } from "../../runtime/log.ts";
import { close, createLimitedServer, listen } from "./http.ts";
import type { Keeper } from "../keeper.ts";
import { isPermanent } from "../renewal.ts";
import type { Renewals } from "../renewals.ts";
import { type Reply, refusalReply } from "./replies.ts";
import type { Authorize } from "./authorize.ts";

export interface EndpointDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly keeper: Pick<Keeper, "reply" | "refusal">;
  readonly renewals: Pick<Renewals, "hurry" | "failure" | "nextInMs" | "onEnd">;
  readonly authorize: Authorize;
  /** Counts every answer and the time to it; "OK" for credentials. */
  readonly count: (code: ErrorCode | "OK", durationMs: number) => void;
  /** Answers every other path; without it they are unknown. */
  readonly morePaths?: MorePaths | undefined;
}

export interface Answer {
  readonly reply: Reply;
  readonly code: ErrorCode | "OK";
  /** Why a caller is refused, for the log. */
  readonly reason?: string;
}

/** Undefined until there are credentials. */
export type Look = () => Answer | undefined;

/** An answer at once, or how to look for one that takes the first container's credentials. */
export type MorePaths = (request: IncomingMessage) => Answer | Look;

export interface EndpointOptions {
  readonly port: number;
  readonly containers: readonly string[];
  /** How long a request may wait for credentials, in milliseconds. */
  readonly holdMs: number;
}

export interface Endpoint {
  /** Resolves with the port when 127.0.0.1 answers, and ::1 where the pod has it. */
  listen(): Promise<number>;
  close(): Promise<void>;
}

const PATH = "/v1/credentials";
const CLOSE_GRACE_MS = 500;
/** Callers that are refused for what they sent are logged once a minute and code, not once a request. */
const SAY_AGAIN_AFTER_MS = 60_000;

export function createEndpoint(deps: EndpointDeps, { port, containers, holdMs }: EndpointOptions): Endpoint {
  const { clock, log, keeper, renewals, authorize, count, morePaths } = deps;
  const held = new Set<() => void>();
  const saidAt = new Map<ErrorCode, number>();
  const arrivedAt = new WeakMap<ServerResponse, number>();

  function handle(request: IncomingMessage, response: ServerResponse): void {
    arrivedAt.set(response, clock.now());
    const url = request.url ?? "";
    const end = url.indexOf("?");
    if ((end < 0 ? url : url.slice(0, end)) !== PATH) {
      if (morePaths) return answerMore(morePaths(request), response);
      return refuseCaller(response, "PATH_UNKNOWN", "Cannot answer: podrole serves /v1/credentials only");
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      // The body that such a request may carry is not read, so the connection cannot go on.
      const extra = ["Allow", "GET, HEAD", "Connection", "close"];
      return refuseCaller(response, "METHOD_UNKNOWN", "Cannot answer: credentials are read with GET", extra);
    }
    // SDKs send the token file's content as it is, without "Bearer".
    const { authorization } = request.headers;
    if (!authorization) {
      return refuseCaller(
        response,
        "TOKEN_MISSING",
        "Cannot give credentials: the request has no Authorization header",
      );
    }
    const index = authorize(authorization);
    if (index < 0) {
      const message = "Cannot give credentials: the Authorization header is not the token of a container of this pod";
      return refuseCaller(response, "TOKEN_MISMATCH", message);
    }
    const reply = keeper.reply(index);
    if (reply === undefined) return answerWithout(index, response, () => credentialsOf(index));
    send(response, reply, "OK");
  }

  function answerMore(found: Answer | Look, response: ServerResponse): void {
    const answer = typeof found === "function" ? found() : found;
    if (answer === undefined) return answerWithout(0, response, found as Look);
    if (answer.code !== "OK" && answer.reason !== undefined) say(answer.code, answer.reason);
    send(response, answer.reply, answer.code);
  }

  function credentialsOf(index: number): Answer | undefined {
    const reply = keeper.reply(index);
    return reply && { reply, code: "OK" };
  }

  function answerWithout(index: number, response: ServerResponse, look: Look): void {
    const refusal = reasonFor(index);
    renewals.hurry();
    if (isPermanent(refusal)) return send(response, refusalReply(refusal), refusal.code);
    hold(index, response, look);
  }

  /** Waits for credentials, a lasting refusal, the time limit or the end of the sidecar, whatever comes first. */
  function hold(index: number, response: ServerResponse, look: Look): void {
    function finish(): void {
      cancel();
      forget();
      held.delete(finish);
      response.off("close", finish);
      if (response.destroyed) return;
      const answer = look();
      if (answer) return send(response, answer.reply, answer.code);
      const refusal = reasonFor(index);
      send(response, refusalReply(refusal, retryAfter(refusal)), refusal.code);
    }
    const cancel = clock.schedule(finish, holdMs);
    const forget = renewals.onEnd(() => {
      if (look() || isPermanent(reasonFor(index))) finish();
      else renewals.hurry();
    });
    held.add(finish);
    response.once("close", finish);
  }

  /** The container's own lasting refusal first; then why the pod got no answer; then what may pass. */
  function reasonFor(index: number): Refusal {
    const refusal = keeper.refusal(index);
    if (refusal && isPermanent(refusal)) return refusal;
    return renewals.failure() ?? refusal ?? notReady(containers[index]);
  }

  function retryAfter({ code }: Refusal): readonly string[] {
    if (ERRORS[code].http !== 503) return [];
    // JavaScript v2 and Go v1 wait as told; a longer wait than this would outlast the renewal by far.
    const seconds = Math.min(Math.max(Math.ceil(renewals.nextInMs() / 1000), 1), 10);
    return ["Retry-After", String(seconds)];
  }

  function refuseCaller(response: ServerResponse, code: ErrorCode, message: string, extra?: readonly string[]): void {
    say(code, message);
    send(response, refusalReply({ code, message }, extra), code);
  }

  function say(code: ErrorCode, reason: string): void {
    const now = clock.now();
    if (now - (saidAt.get(code) ?? Number.NEGATIVE_INFINITY) < SAY_AGAIN_AFTER_MS) return;
    saidAt.set(code, now);
    log.warn({ code, reason, remedy: ERRORS[code].remedy }, "a request was refused");
  }

  function send(response: ServerResponse, { status, headers, body }: Reply, code: ErrorCode | "OK"): void {
    const now = clock.now();
    count(code, now - (arrivedAt.get(response) ?? now));
    response.writeHead(status, headers as string[]).end(body);
  }

  const servers = [createLimitedServer(handle), createLimitedServer(handle)] as const;

  return {
    async listen() {
      const [v4, v6] = servers;
      const bound = await listenOn(v4, port, "127.0.0.1");
      const taken = await listenOn(v6, bound ?? port, "::1");
      if (bound ?? taken) return (bound ?? taken) as number;
      throw new PodroleError("INTERNAL", "Cannot listen: this pod has neither 127.0.0.1 nor ::1");
    },
    async close() {
      for (const finish of held) finish();
      await Promise.all(servers.map((server) => close(server, CLOSE_GRACE_MS)));
    },
  };
}

function notReady(container: string | undefined): Refusal {
  const message = `Cannot give credentials to container "${container}" yet: they are being fetched`;
  return { code: "NOT_READY", message };
}

/** Undefined where the pod has no such address: it may lack IPv6, or IPv4. */
async function listenOn(server: ReturnType<typeof createLimitedServer>, port: number, host: string) {
  try {
    return await listen(server, port, host);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "EADDRNOTAVAIL" || code === "EAFNOSUPPORT") return undefined;
    throw error;
  }
}
