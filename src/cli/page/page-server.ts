// The server of podrole ui: one page and its data on 127.0.0.1, for the operator who was shown the address. Read-only:
// no request changes anything. States: created → listening (listen()) → closed (close()).
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { BudgetLimits } from "../../runtime/budget.ts";
import { createBudget } from "../../runtime/budget.ts";
import { limitHttp, nodeTimeouts } from "../../runtime/budget-http.ts";
import type { Clock } from "../../runtime/clock.ts";
import { failure, type Result, success } from "../../runtime/result.ts";
import type { Secret } from "../../runtime/secret.ts";
import { guardPageRequest } from "./guard.ts";
import type { PageFile } from "./page-files.ts";

/** Answers of the page's requests for data; undefined: there is no such path. */
export type AnswerData = (path: string, query: URLSearchParams) => Promise<object | undefined>;

/** What the server uses. */
export interface PageServerDeps {
  readonly clock: Clock;
  readonly answer: AnswerData;
  /** By path; the page itself has the path "". */
  readonly files: ReadonlyMap<string, PageFile>;
}

/** Where it listens. */
export interface PageServerOptions {
  /** 0: the system chooses one. */
  readonly port: number;
  readonly token: Secret;
}

/** The server of the page. */
export interface PageServer {
  /** Resolves with the port; the problem is that another process has it. */
  listen(): Promise<Result<number>>;
  close(): Promise<void>;
}

/** A few tabs of one browser, each with the six connections that browsers open to one host. */
const PAGE_LIMITS: BudgetLimits = {
  connections: 64,
  bytes: 64 * 1024,
  requests: 64,
  requestsPerConnection: 8,
  headersMs: 10_000,
  bodyMs: 1_000,
  // Reading a cluster of 20 000 pods, or logs of a day, takes this long.
  callMs: 120_000,
  keepAliveMs: 30_000,
  sweepMs: 1_000,
};

/** What a page of another site, or an injected text, could still do: nothing. */
const PAGE_HEADERS = {
  "Content-Security-Policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Referrer-Policy": "no-referrer",
  "X-Content-Type-Options": "nosniff",
  "Cache-Control": "no-store",
} as const;

/** Creates the server; it does not listen yet. */
export function createPageServer(
  { clock, answer, files }: PageServerDeps,
  { port: wantedPort, token }: PageServerOptions,
): PageServer {
  let port = wantedPort;
  /** Texts of data by object: several pages get the same reading. */
  const texts = new WeakMap<object, string>();

  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const guarded = guardPageRequest(request, { token, port });
    // A request with another method may have a body, which is not read.
    if ("status" in guarded) return end(response, guarded.status, { Connection: "close" });
    const file = files.get(guarded.path);
    if (file) return end(response, 200, { "Content-Type": file.type }, file.content);
    if (!guarded.path.startsWith("data/")) return end(response, 404);
    const data = await answer(guarded.path.slice("data/".length), guarded.query);
    if (data === undefined) return end(response, 404);
    const text = texts.get(data) ?? JSON.stringify(data);
    texts.set(data, text);
    end(response, 200, { "Content-Type": "application/json" }, text);
  }

  const server = createServer({ maxHeaderSize: 16_384, ...nodeTimeouts(PAGE_LIMITS) }, (request, response) => {
    if (!requests.begin(request, response)) return;
    respond(request, response).catch(() => end(response, 500));
  });
  const requests = limitHttp(server, createBudget({ clock }, PAGE_LIMITS));

  return {
    listen() {
      return new Promise((resolve, reject) => {
        // Never removed: a later error concerns one connection that could not be accepted.
        server.on("error", (error: NodeJS.ErrnoException) =>
          error.code === "EADDRINUSE" ? resolve(failure(portTaken(wantedPort))) : reject(error),
        );
        server.listen({ port: wantedPort, host: "127.0.0.1" }, () => {
          ({ port } = server.address() as AddressInfo);
          resolve(success(port));
        });
      });
    },
    close() {
      return new Promise((resolve) => {
        if (!server.listening) return resolve();
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function portTaken(port: number): string {
  return `--port: another process listens on 127.0.0.1:${port}, perhaps an earlier podrole ui; expected a free port (without --port, the system chooses one)`;
}

function end(
  response: ServerResponse,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  content: string | Uint8Array = "",
): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(status, { ...PAGE_HEADERS, ...headers });
  response.end(response.req.method === "HEAD" ? undefined : content);
}
