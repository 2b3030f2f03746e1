// Every error that podrole returns. The key crosses the wire, and is log field, metric label, Event reason, heading in
// docs/errors.md and part of a test title: `grep ROLE_FORBIDDEN` shows the whole case. No program reads the texts.

/**
 * A row of the error table.
 * `http`: status at the sidecar's endpoint; SDKs retry 503 and fail on 4xx (never 404 or 429 for a retryable error).
 * `grpc`: status between sidecar and server. `retry`: whether a retry may succeed without any change by an operator.
 * `keep`: whether credentials that were issued earlier are still returned until they expire.
 * `summary`: one sentence for docs/errors.md; `remedy`: what an operator does about the error.
 */
export interface ErrorRow {
  readonly http: 400 | 401 | 403 | 404 | 405 | 500 | 503;
  readonly grpc: "INVALID_ARGUMENT" | "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE" | "INTERNAL";
  readonly retry: boolean;
  readonly keep: boolean;
  readonly summary: string;
  readonly remedy: string;
}

/** The error table, by code. */
export const ERRORS = {
  ROLE_FORBIDDEN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "The namespace does not permit this role.",
    remedy:
      "Add the role's ARN to the namespace's annotation `iam.amazonaws.com/permitted` (a whole-match RE2 expression) or `iam.amazonaws.com/allowed-roles`, or request a role that the namespace permits.",
  },
  ROLE_MISSING: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary:
      "Neither the container, the pod, its ServiceAccount nor its namespace specifies a role for this container.",
    remedy: "Annotate the pod with `iam.amazonaws.com/role` (or `iam.amazonaws.com/role.<container>`).",
  },
  ROLE_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    summary: "The role annotation is neither a role name, a path and name, nor a role ARN.",
    remedy: "Write `my-role`, `team/my-role`, `/team/my-role` or `arn:aws:iam::123456789012:role/my-role`.",
  },
  PERMITTED_INVALID: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    summary:
      "The namespace's `iam.amazonaws.com/permitted` or `iam.amazonaws.com/allowed-roles` cannot be parsed, so no role is permitted.",
    remedy: "Correct the expression; `podrole explain` shows where parsing fails.",
  },
  ANNOTATION_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "A podrole annotation has an invalid value.",
    remedy: "Correct the annotation; the message names it, its value and what is accepted.",
  },
  CONTAINER_UNKNOWN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary:
      "An annotation or a request names a container that the pod does not have, or that is excluded from podrole.",
    remedy: "Correct the container's name in `iam.amazonaws.com/role.<container>` or `podrole.io/containers`.",
  },
  NAME_RESERVED: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    summary: "The pod already has a container, volume or mount with a name or path that is reserved for podrole.",
    remedy:
      "Rename or move it: podrole-* containers and volumes, and the path /var/run/secrets/podrole.io, are reserved.",
  },
  POD_UNKNOWN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "The pod that the caller's proof identifies does not exist (any more), or exists with another uid.",
    remedy: "None if the pod was deleted; otherwise look for a copied token or certificate.",
  },
  POD_FINISHED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "The pod has finished (Succeeded or Failed) and receives no more credentials.",
    remedy: "None needed.",
  },
  PROOF_REJECTED: {
    http: 503,
    grpc: "UNAUTHENTICATED",
    retry: true,
    keep: true,
    summary: "The Kubernetes API did not accept the ServiceAccount token, or the token is not bound to a pod.",
    remedy: "The kubelet replaces the token automatically; if the error persists, compare audience, issuer and clocks.",
  },
  CERTIFICATE_REJECTED: {
    http: 503,
    grpc: "UNAUTHENTICATED",
    retry: true,
    keep: true,
    summary: "The client certificate is missing, expired, or not one of podrole's pod identities.",
    remedy:
      "The sidecar requests a new certificate with a fresh proof; if the error persists, compare the trust bundles.",
  },
  REQUEST_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "A request cannot be parsed: a broken CSR, a key of an unaccepted type, a malformed message.",
    remedy: "Compare the versions of sidecar and server; the message describes the error.",
  },
  STS_DENIED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    summary: "STS denied AssumeRole (AccessDenied).",
    remedy:
      "Add the principal in the message to the role's trust policy, and allow sts:AssumeRole on the role in that principal's own policy (and sts:TagSession if session tags are enabled).",
  },
  STS_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary:
      "STS rejected the request itself: a duration above the role's maximum, a packed policy that is too large, a region that is not enabled.",
    remedy: "Change the setting or annotation that STS names in the message.",
  },
  STS_THROTTLED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "STS throttles this account, or the server's own rate limit delays calls.",
    remedy:
      "Throttling usually ends without action; if it persists, check `podrole_sts_calls_total` and raise the quota or `--sts-rate`.",
  },
  STS_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "STS cannot be reached or does not answer in time, or the server has no AWS credentials of its own.",
    remedy:
      "Check the server's egress, region, VPC endpoint and its own credentials; running pods keep their credentials until these expire.",
  },
  SERVER_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "The sidecar cannot reach podrole's server.",
    remedy:
      "Check the server's Deployment, Service and NetworkPolicies; running pods keep their credentials until these expire.",
  },
  KUBERNETES_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "podrole cannot reach the Kubernetes API, or lacks a permission there.",
    remedy: "Check the API server and podrole's ClusterRole; running pods keep their credentials until these expire.",
  },
  AUTHORITY_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "podrole's CA cannot sign: it does not exist yet, cannot be read, has expired, or its key does not match.",
    remedy:
      "The message names the slot of Secret `podrole-ca`, or the file, and the problem; `podrole check` examines both. Running pods keep their credentials until these expire.",
  },
  NOT_READY: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "Credentials are being fetched and did not arrive within 900 ms.",
    remedy: "The SDK retries automatically; the sidecar's log shows what it waits for.",
  },
  TOKEN_MISSING: {
    http: 401,
    grpc: "UNAUTHENTICATED",
    retry: false,
    keep: true,
    summary:
      "A request to the credentials endpoint has no Authorization header, or one to the metadata paths has no token.",
    remedy: "Use an SDK that reads AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (docs/sdk.md lists the versions).",
  },
  TOKEN_MISMATCH: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    summary:
      "The Authorization header is not the token of any container of this pod, or a metadata token is invalid or has expired.",
    remedy: "Each container has its own token file; excluded containers have none.",
  },
  PATH_UNKNOWN: {
    http: 404,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "The endpoint does not serve this path.",
    remedy: "Request `/v1/credentials`.",
  },
  METHOD_UNKNOWN: {
    http: 405,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "The endpoint accepts GET only.",
    remedy: "Use GET.",
  },
  INTERNAL: {
    http: 500,
    grpc: "INTERNAL",
    retry: true,
    keep: true,
    summary: "An internal error in podrole.",
    remedy: "Check the log of the component that answered, at the time of the error, and file an issue.",
  },
} as const satisfies Record<string, ErrorRow>;

/** A key of the error table. */
export type ErrorCode = keyof typeof ERRORS;

/** Reports whether a text is a key of the error table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** A refusal as a value: what policy and parsers return instead of throwing. */
export interface Refusal {
  readonly code: ErrorCode;
  /** `Cannot <do>: <state>; expected <what>`, without a full stop. It may reach the pod, so it contains no secret. */
  readonly message: string;
}

/** Reports whether a result is a refusal: an object with a code of the table and a message. */
export function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== "object" || value === null || !("code" in value) || !("message" in value)) return false;
  return typeof value.code === "string" && isErrorCode(value.code) && typeof value.message === "string";
}

/** `retryAfterMs`: milliseconds that the origin asked callers to wait. */
export interface PodroleErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number;
}

/**
 * A refusal as an exception. `message` may reach the pod; what must not reach it belongs in `cause`, for the log only.
 */
export class PodroleError extends Error implements Refusal {
  override readonly name = "PodroleError";
  readonly code: ErrorCode;
  /** Milliseconds that the origin asked callers to wait. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: PodroleErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/**
 * Returns a PodroleError unchanged, and anything else as INTERNAL with the error as its cause and not in its message.
 */
export function toPodroleError(error: unknown): PodroleError {
  if (error instanceof PodroleError) return error;
  return new PodroleError(
    "INTERNAL",
    "Cannot complete the request: podrole failed internally; the cause is in its log",
    { cause: error },
  );
}
