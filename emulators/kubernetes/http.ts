// The API over sockets: faults, authentication, authorization, response, audit line. States: created → listening →
// closed; close() ends watches and connections.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { text } from "node:stream/consumers";
import type { Access, UserInfo } from "./access.ts";
import type { AdmissionNotes } from "./admission.ts";
import { type ApiDeps, type ApiResponse, handleApiRequest } from "./api.ts";
import type { AuditLog } from "./audit.ts";
import { discover } from "./discovery.ts";
import { type ApiServerFaults, meetFaults } from "./faults.ts";
import { presentationOf } from "./partial-metadata.ts";
import { proxyRequest } from "./proxy.ts";
import { type RequestInfo, readRequestInfo } from "./request-info.ts";
import { API_AUDIENCE } from "./service-account-tokens.ts";
import { badRequest, internalError, StatusError, unauthorizedError, unsupportedMediaType } from "./status.ts";
import { warningHeaders } from "./warnings.ts";
import type { Watches } from "./watches.ts";

/** What the API needs to answer over sockets. */
export interface HttpDeps extends ApiDeps {
  readonly access: Access;
  readonly audit: AuditLog;
  readonly faults: ApiServerFaults;
  readonly watches: Watches;
  readonly version: { readonly major: string; readonly minor: string };
  /** Targets of the proxy (emulator.ts). */
  readonly pages: Map<string, string>;
}

/** The key and certificate of the emulator's HTTPS port, PEM. */
export interface ServingKeys {
  readonly certificatePem: string;
  readonly keyPem: string;
}

/** Creates the HTTP server. Without `keys`: plain HTTP. */
export function createApiListener(deps: HttpDeps, keys: ServingKeys | undefined): Server {
  const listener = (request: IncomingMessage, response: ServerResponse) => {
    serveRequest(deps, request, response).catch((error: unknown) => {
      if (!response.headersSent) sendApiResponse(response, asStatus(error), []);
      else response.destroy();
    });
  };
  if (keys === undefined) return createServer(listener);
  return createTlsServer({ cert: keys.certificatePem, key: keys.keyPem }, listener);
}

async function serveRequest(deps: HttpDeps, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { access, audit, faults, watches } = deps;
  const receivedAt = deps.now();
  const url = new URL(request.url ?? "/", "http://localhost");
  const discovered = discover(url.pathname, deps.version, deps.tokens.keys);
  const notes: AdmissionNotes = { warnings: [], annotations: {} };
  let user: UserInfo = { username: "system:anonymous", groups: ["system:unauthenticated"] };
  let info: RequestInfo | undefined;
  let given: ApiResponse;

  let sent: unknown;

  const record = (stage: "ResponseStarted" | "ResponseComplete", given: ApiResponse) => {
    // Only requests for resources are audited.
    if (info === undefined) return;
    const userAgent = request.headers["user-agent"] ?? "";
    const facts = { requestURI: request.url ?? "/", userAgent, receivedAt, user, info, sent };
    audit.record({ ...facts, stage, ...given, annotations: notes.annotations });
  };

  try {
    if (discovered === undefined) info = readRequestInfo(request.method ?? "GET", url);
    const fate = await meetFaults(faults, info);
    if (fate === "hang up") return void request.socket.destroy();
    if (fate === "stall") return;
    if (discovered !== undefined) return sendDiscovered(response, discovered);
    user = authenticateUser(deps, request.headers.authorization);
    const contentType = (request.headers["content-type"] ?? "").split(";")[0]?.trim() ?? "";
    sent = await readJsonBody(request, contentType);
    if (info === undefined) return;
    access.authorize(user, info);
    const present = presentationOf(request.headers.accept ?? "", info.verb === "list");
    if (info.verb === "watch") {
      watches.serve(info, response, present);
      record("ResponseStarted", { code: 200, body: {} });
      response.on("close", () => record("ResponseComplete", { code: 200, body: {} }));
      return;
    }
    if (info.subresource === "proxy") return await proxyRequest(deps.pages, info, request, response);
    const { code, body } = await handleApiRequest(deps, { info, user, body: sent, contentType }, notes);
    given = { code, body: info.verb === "list" || info.verb === "get" ? present(body) : body };
  } catch (error) {
    given = asStatus(error);
  }
  record("ResponseComplete", given);
  sendApiResponse(response, given, notes.warnings);
}

/** Accepts users of the kubeconfigs, and ServiceAccounts by their tokens. Throws Unauthorized. */
function authenticateUser({ access, tokens }: HttpDeps, header = ""): UserInfo {
  const token = /^Bearer (.+)$/.exec(header)?.[1] ?? "";
  const known = access.userOf(token);
  if (known !== undefined) return known;
  const reviewed = token === "" ? { error: "" } : tokens.review(token, [API_AUDIENCE]);
  if ("error" in reviewed) throw unauthorizedError();
  const { user } = reviewed;
  return { ...user, groups: [...user.groups, "system:authenticated"] };
}

/** JSON only: kubectl's imperative `create` and `run` send protobuf, `apply` and `create -f` do not. */
async function readJsonBody(request: IncomingMessage, contentType: string): Promise<unknown> {
  if (contentType === "application/vnd.kubernetes.protobuf") throw unsupportedMediaType(["application/json"]);
  const said = await text(request);
  if (said === "") return undefined;
  try {
    return JSON.parse(said);
  } catch (error) {
    throw badRequest(`the object provided is unrecognized (must be of type JSON): ${(error as Error).message}`);
  }
}

/** Converts whatever was thrown into a response. */
export function asStatus(error: unknown): ApiResponse {
  const { body } = error instanceof StatusError ? error : internalError(String(error));
  return { code: body.code, body };
}

function sendApiResponse(response: ServerResponse, { code, body }: ApiResponse, warnings: readonly string[]): void {
  const { details } = body as { details?: { retryAfterSeconds?: number } };
  const headers = warningHeaders(warnings);
  if (headers.length > 0) response.setHeader("Warning", headers);
  if (details?.retryAfterSeconds !== undefined) response.setHeader("Retry-After", details.retryAfterSeconds);
  response.writeHead(code, { "content-type": "application/json" });
  response.end(JSON.stringify(body));
}

function sendDiscovered(response: ServerResponse, found: unknown): void {
  const isText = typeof found === "string";
  response.writeHead(200, { "content-type": isText ? "text/plain" : "application/json" });
  response.end(isText ? found : JSON.stringify(found));
}
