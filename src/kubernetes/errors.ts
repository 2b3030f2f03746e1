// Errors of the Kubernetes API. Each message names the verb, the resource and the missing permission. It never contains
// a token, or the API's message about objects that hold secrets.
import { PodroleError, type PodroleErrorOptions } from "../protocol/errors.ts";
import { connectionProblem } from "../runtime/connection-problem.ts";
import type { OperatorResource, Resource } from "./api.ts";

/** A request in RBAC's terms, for messages. */
export interface RbacRequest {
  readonly verb: "get" | "list" | "watch" | "create" | "patch" | "delete";
  readonly resource:
    | Resource
    | OperatorResource
    | "podcertificaterequests/status"
    | "pods/proxy"
    | "services/proxy"
    | "serviceaccounts/token"
    | "pods/log"
    | "version"
    | "openid/v1/jwks";
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/**
 * An error response of the API server, or no response at all (`status` 0). `reason` is the API's own
 * (metav1.StatusReason), such as AlreadyExists, Expired or Forbidden.
 */
export class ApiError extends PodroleError {
  readonly status: number;
  readonly reason: string;
  /** What was requested; undefined for a failure of several requests together. */
  readonly request: RbacRequest | undefined;

  constructor(status: number, reason: string, message: string, options: ApiErrorOptions = {}) {
    const { request, ...rest } = options;
    super("KUBERNETES_UNAVAILABLE", message, rest);
    this.status = status;
    this.reason = reason;
    this.request = request;
  }
}

interface ApiErrorOptions extends PodroleErrorOptions {
  readonly request?: RbacRequest;
}

/**
 * Returns the permission that the caller lacks, such as "list on pods in namespace shop" or "get on namespaces shop";
 * undefined for every error but a 403 of the API server.
 */
export function missingRight(error: unknown): string | undefined {
  if (!(error instanceof ApiError) || error.status !== 403 || error.request === undefined) return undefined;
  const { verb, resource, namespace, name } = error.request;
  if (namespace !== undefined) return `${verb} on ${resource} in namespace ${namespace}`;
  return `${verb} on ${resource}${name === undefined ? "" : ` ${name}`}`;
}

/**
 * No kubeconfig, one that cannot be read, or one without the requested context or an API server. Has no code of the
 * error table: no retry helps, and it never reaches another program.
 */
export class UnusableKubeconfig extends Error {
  override readonly name = "UnusableKubeconfig";
}

/** The parts of a metav1.Status that podrole reads. Proxies in between may respond with anything else. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** The API's messages about these resources may quote the body that was sent, and with it a token or a key. */
const QUOTES_SECRETS: ReadonlySet<string> = new Set(["secrets", "tokenreviews", "serviceaccounts/token"]);

/** Long messages list every field of an object; the beginning names the problem. */
const MAX_QUOTE_LENGTH = 300;

/**
 * Retry-After is a wish: callers that obey a longer one would act on old content for as long, and an API server that
 * recovers early would wait for them. It equals the longest back-off of a watch.
 */
const MAX_API_RETRY_AFTER_MS = 30_000;

/** Creates the error for a response with an unexpected status. `retryAfterMs` comes from the Retry-After header. */
export function requestRejected(info: RbacRequest, status: number, body: ApiStatus, retryAfterMs?: number): ApiError {
  const reason = body.reason ?? "";
  const said = [String(status), reason].filter(Boolean).join(" ");
  const waitMs = Math.min(retryAfterMs ?? (body.details?.retryAfterSeconds ?? 0) * 1000, MAX_API_RETRY_AFTER_MS);
  return new ApiError(
    status,
    reason,
    `Cannot ${describeRequest(info)}: ${describeResponse(info, status, said, body)}`,
    { request: info, ...(waitMs > 0 && { retryAfterMs: waitMs }) },
  );
}

function describeResponse(info: RbacRequest, status: number, said: string, { message = "" }: ApiStatus): string {
  // RBAC's message names user, verb, resource and namespace; it never quotes an object.
  const quotable = message !== "" && (status === 403 || !QUOTES_SECRETS.has(info.resource));
  const quote = quotable ? ` (${message.slice(0, MAX_QUOTE_LENGTH)})` : "";
  if (status === 401) return `the Kubernetes API returned ${said}; expected it to accept the caller's token`;
  if (status === 403) {
    const where = info.namespace === undefined ? "the cluster" : `namespace "${info.namespace}"`;
    return `the Kubernetes API returned ${said}; expected permission to ${info.verb} ${info.resource} in ${where}${quote}`;
  }
  return `the Kubernetes API returned ${said}${quote}`;
}

/**
 * Creates the error for a request without a usable response: refused connection, broken TLS, unreadable file, invalid
 * JSON.
 */
export function serverUnreachable(info: RbacRequest, server: string, cause: unknown): ApiError {
  const code = systemCodeOf(cause);
  const problem = code === undefined ? undefined : connectionProblem(code);
  const what = cause instanceof SyntaxError ? "a response that is not JSON" : "no usable response";
  const state =
    problem === undefined
      ? `${server} sent ${what}${code === undefined ? "" : ` (${code})`}`
      : `cannot connect to ${server}: ${problem}`;
  return new ApiError(0, "", `Cannot ${describeRequest(info)}: ${state}`, { cause, request: info });
}

/** Name of the cause when a response has more bytes than the client reads. */
export const RESPONSE_TOO_LARGE = "ResponseTooLarge";

/** Reports whether the response had more bytes than the client reads. */
export function isTooLarge(error: unknown): boolean {
  return error instanceof ApiError && error.cause instanceof Error && error.cause.name === RESPONSE_TOO_LARGE;
}

/** The API server's own reason for a request that it could not answer in time (StatusReasonTimeout, 504). */
const TIMEOUT = "Timeout";

/** Reports whether a response did not come in time, by the client's deadline or the API server's. */
export function isTimeout(error: unknown): boolean {
  return error instanceof ApiError && error.reason === TIMEOUT;
}

/** Creates the error for a request without a response within its deadline. */
export function requestTimedOut(info: RbacRequest, server: string, deadlineMs: number): ApiError {
  return new ApiError(
    0,
    TIMEOUT,
    `Cannot ${describeRequest(info)}: ${server} did not respond within ${deadlineMs} ms`,
    { request: info },
  );
}

/** True if no other request can succeed either: the API server is unreachable, or does not know the caller. */
export function isApiUnreachable(error: unknown): boolean {
  return error instanceof ApiError && (error.status === 0 || error.status === 401);
}

function describeRequest({ verb, resource, namespace, name }: RbacRequest): string {
  const place = [namespace, name].filter((part) => part !== undefined).join("/");
  return place === "" ? `${verb} ${resource}` : `${verb} ${resource} "${place}"`;
}

/**
 * Returns the innermost system code (ECONNREFUSED, CERT_HAS_EXPIRED): fetch hides it below "fetch failed". Without one,
 * the name of podrole's own errors; undefined for names such as TypeError, which say nothing to an operator.
 */
function systemCodeOf(error: unknown): string | undefined {
  let found = error instanceof Error && !LANGUAGE_ERRORS.has(error.name) ? error.name : undefined;
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") found = at.code;
  }
  return found;
}

const LANGUAGE_ERRORS: ReadonlySet<string> = new Set([
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "AggregateError",
]);
