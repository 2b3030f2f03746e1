// What the Kubernetes API answers instead of what was asked, told once in words that name the verb, the resource and the
// missing permission. Never in them: a token, or what the API says of objects that hold secrets.
import { PodroleError, type PodroleErrorOptions } from "../protocol/errors.ts";
import type { OperatorResource, Resource } from "./api.ts";

/** What was asked, for messages: RBAC's words. */
export interface Asked {
  readonly verb: "get" | "list" | "watch" | "create" | "patch" | "delete";
  readonly resource: Resource | OperatorResource | "pods/proxy" | "pods/log" | "version";
  readonly namespace?: string | undefined;
  readonly name?: string | undefined;
}

/**
 * A refusal of the API server, or none at all (`status` 0). `reason` is the API's own word (metav1.StatusReason), such
 * as AlreadyExists, Expired, Forbidden.
 */
export class ApiError extends PodroleError {
  readonly status: number;
  readonly reason: string;

  constructor(status: number, reason: string, message: string, options: PodroleErrorOptions = {}) {
    super("KUBERNETES_UNAVAILABLE", message, options);
    this.status = status;
    this.reason = reason;
  }
}

/** The parts of a metav1.Status that podrole reads; proxies on the way may answer with anything else. */
export interface ApiStatus {
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: { readonly retryAfterSeconds?: number };
}

/** Errors about these may quote the body that was sent, and with it a token or a key. */
const QUOTES_SECRETS: ReadonlySet<string> = new Set(["secrets", "tokenreviews"]);

/** Long messages list every field of an object: the beginning says what is wrong. */
const LONGEST_QUOTE = 300;

/** An answer with a status that was not asked for. */
export function refusedBy(asked: Asked, status: number, body: ApiStatus, retryAfterMs?: number): ApiError {
  const reason = body.reason ?? "";
  const said = [String(status), reason].filter(Boolean).join(" ");
  const waitMs = retryAfterMs ?? (body.details?.retryAfterSeconds ?? 0) * 1000;
  return new ApiError(status, reason, `Cannot ${inWords(asked)}: ${stateInWords(asked, status, said, body)}`, {
    ...(waitMs > 0 && { retryAfterMs: waitMs }),
  });
}

function stateInWords(asked: Asked, status: number, said: string, { message = "" }: ApiStatus): string {
  // RBAC's own sentence names user, verb, resource and namespace; it never quotes an object.
  const quotable = message !== "" && (status === 403 || !QUOTES_SECRETS.has(asked.resource));
  const quote = quotable ? ` (${message.slice(0, LONGEST_QUOTE)})` : "";
  if (status === 401) return `the Kubernetes API answered ${said}, it must accept the caller's token`;
  if (status === 403) {
    const where = asked.namespace === undefined ? "the cluster" : `namespace "${asked.namespace}"`;
    return `the Kubernetes API answered ${said}, the caller must be allowed to ${asked.verb} ${asked.resource} in ${where}${quote}`;
  }
  return `the Kubernetes API answered ${said}${quote}`;
}

/** No answer: refused connections, broken TLS, files that cannot be read, an answer that is no JSON. */
export function unreachable(asked: Asked, server: string, cause: unknown): ApiError {
  return new ApiError(0, "", `Cannot ${inWords(asked)}: ${server} gave no usable answer (${codeOf(cause)})`, { cause });
}

export function tooSlow(asked: Asked, server: string, deadlineMs: number): ApiError {
  return new ApiError(0, "Timeout", `Cannot ${inWords(asked)}: ${server} did not answer within ${deadlineMs} ms`);
}

function inWords({ verb, resource, namespace, name }: Asked): string {
  const place = [namespace, name].filter((part) => part !== undefined).join("/");
  return place === "" ? `${verb} ${resource}` : `${verb} ${resource} "${place}"`;
}

/** The innermost system code (ECONNREFUSED, CERT_HAS_EXPIRED): fetch hides it below "fetch failed". */
function codeOf(error: unknown): string {
  let found = error instanceof Error ? error.name : "unknown";
  for (let at = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth++) {
    if ("code" in at && typeof at.code === "string") found = at.code;
  }
  return found;
}
