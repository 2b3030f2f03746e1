// Every way in which podrole says no. The key crosses the wire, and is log field, metric label, Event reason, heading
// in docs/errors.md and part of a test name: `grep ROLE_FORBIDDEN` shows the whole case. Texts are for people only.

/**
 * `http`: status at the sidecar's endpoint; SDKs retry 503 and give up on 4xx (never 404 or 429 for a passing state).
 * `grpc`: status between sidecar and server. `retry`: asking again may help without anybody changing anything.
 * `keep`: credentials that were issued earlier are still handed out until they expire.
 * `summary`: one sentence for docs/errors.md; `remedy`: what a person does about it.
 */
export interface ErrorRow {
  readonly http: 400 | 401 | 403 | 404 | 405 | 500 | 503;
  readonly grpc: "INVALID_ARGUMENT" | "UNAUTHENTICATED" | "PERMISSION_DENIED" | "UNAVAILABLE" | "INTERNAL";
  readonly retry: boolean;
  readonly keep: boolean;
  readonly summary: string;
  readonly remedy: string;
}

export const ERRORS = {
  ROLE_FORBIDDEN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "The namespace does not permit this role.",
    remedy:
      "Add the role's ARN to the namespace's annotation `iam.amazonaws.com/permitted` (a whole-match RE2 expression) or to `iam.amazonaws.com/allowed-roles`, or ask for a role that is permitted.",
  },
  ROLE_MISSING: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "Neither the container, the pod, its ServiceAccount nor its namespace names a role for this container.",
    remedy: "Annotate the pod with `iam.amazonaws.com/role` (or `iam.amazonaws.com/role.<container>`).",
  },
  ROLE_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    summary: "The role annotation is not a role name, a path and name, or a role ARN.",
    remedy: "Write `my-role`, `team/my-role`, `/team/my-role` or `arn:aws:iam::123456789012:role/my-role`.",
  },
  PERMITTED_INVALID: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    summary:
      "The namespace's `iam.amazonaws.com/permitted` or `iam.amazonaws.com/allowed-roles` cannot be read, so nothing is permitted.",
    remedy: "Correct the expression; `podrole explain` shows where it fails.",
  },
  ANNOTATION_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "An annotation of podrole has a value that cannot be used.",
    remedy: "The message names the annotation, its value and what would be accepted.",
  },
  CONTAINER_UNKNOWN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "An annotation or a request names a container that the pod does not have, or that takes no part.",
    remedy: "Correct the container's name in `iam.amazonaws.com/role.<container>` or `podrole.io/containers`.",
  },
  NAME_RESERVED: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: false,
    summary: "The pod already has a container, volume or mount with a name or path that podrole uses.",
    remedy: "Rename what is yours: podrole-* containers and volumes, and /var/run/secrets/podrole.io, are podrole's.",
  },
  POD_UNKNOWN: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "The pod that the caller proves to be does not exist (any more), or exists with another uid.",
    remedy: "Nothing, if the pod was deleted; otherwise look for a token or certificate that was copied.",
  },
  POD_FINISHED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: false,
    summary: "The pod has finished (Succeeded or Failed): it gets no more credentials.",
    remedy: "None needed.",
  },
  PROOF_REJECTED: {
    http: 503,
    grpc: "UNAUTHENTICATED",
    retry: true,
    keep: true,
    summary: "The Kubernetes API did not accept the ServiceAccount token, or it is not bound to a pod.",
    remedy: "The kubelet replaces the token by itself; if it lasts, compare audience, issuer and clocks.",
  },
  CERTIFICATE_REJECTED: {
    http: 503,
    grpc: "UNAUTHENTICATED",
    retry: true,
    keep: true,
    summary: "The client certificate is missing, expired, or not one of podrole's pod identities.",
    remedy: "The sidecar starts over with a fresh proof; if it lasts, compare the trust bundles.",
  },
  REQUEST_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "A request cannot be read: a broken CSR, a key of an unaccepted type, a malformed message.",
    remedy: "Compare the versions of sidecar and server; the message says what was wrong.",
  },
  STS_DENIED: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    summary: "STS refused AssumeRole: AccessDenied.",
    remedy:
      "Let the role's trust policy name the principal in the message, and let that principal's own policy allow sts:AssumeRole on the role (and sts:TagSession when session tags are on).",
  },
  STS_INVALID: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary:
      "STS rejected the request itself: a duration above the role's maximum, a packed policy that is too large, a region that is off.",
    remedy: "The message carries STS's own words; change the setting or annotation that it names.",
  },
  STS_THROTTLED: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "STS throttles this account, or the server's own limit holds calls back.",
    remedy: "It passes; if not, look at `podrole_sts_calls_total` and raise the quota or `--sts-rate`.",
  },
  STS_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "STS cannot be reached, does not answer in time, or the server has no AWS credentials of its own.",
    remedy:
      "Check the server's egress, region, VPC endpoint and its own credentials; running pods keep what they hold.",
  },
  SERVER_UNREACHABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "The sidecar cannot reach podrole's server.",
    remedy: "Check the server's Deployment, Service and NetworkPolicies; running pods keep what they hold.",
  },
  KUBERNETES_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "podrole cannot reach the Kubernetes API, or lacks a permission there.",
    remedy: "Check the API server and podrole's ClusterRole; running pods keep what they hold.",
  },
  AUTHORITY_UNAVAILABLE: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "podrole's CA cannot sign: it is not there yet, cannot be read, has expired, or its key does not fit.",
    remedy:
      "The message names the slot of Secret `podrole-ca`, or the file, and what is wrong with it; `podrole check` looks after both. Running pods keep what they hold.",
  },
  NOT_READY: {
    http: 503,
    grpc: "UNAVAILABLE",
    retry: true,
    keep: true,
    summary: "Credentials are being fetched and did not arrive within 900 ms.",
    remedy: "The SDK asks again by itself; the sidecar's log says what it waits for.",
  },
  TOKEN_MISSING: {
    http: 401,
    grpc: "UNAUTHENTICATED",
    retry: false,
    keep: true,
    summary:
      "A request to the credentials endpoint carries no Authorization header, or one to the metadata paths no token.",
    remedy: "Use an SDK that reads AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE (docs/sdk.md lists the versions).",
  },
  TOKEN_MISMATCH: {
    http: 403,
    grpc: "PERMISSION_DENIED",
    retry: false,
    keep: true,
    summary:
      "The Authorization header is not the token of any container of this pod, or a metadata token is not one, or has ended.",
    remedy: "Each container has its own token file; containers that are left out have none.",
  },
  PATH_UNKNOWN: {
    http: 404,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "The endpoint serves no such path.",
    remedy: "Ask for `/v1/credentials`.",
  },
  METHOD_UNKNOWN: {
    http: 405,
    grpc: "INVALID_ARGUMENT",
    retry: false,
    keep: true,
    summary: "The endpoint answers GET only.",
    remedy: "Use GET.",
  },
  INTERNAL: {
    http: 500,
    grpc: "INTERNAL",
    retry: true,
    keep: true,
    summary: "A fault in podrole itself.",
    remedy: "Look for the same time in the log of the component that answered, and file an issue.",
  },
} as const satisfies Record<string, ErrorRow>;

export type ErrorCode = keyof typeof ERRORS;

export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** A refusal as a value: what policy and parsers return instead of throwing. */
export interface Refusal {
  readonly code: ErrorCode;
  /** For people, may reach the pod: action, colon, state, wanted state; no secret, no full stop. */
  readonly message: string;
}

/** Reports whether a result is a refusal: an object with a code of the table and a message. */
export function isRefusal(value: unknown): value is Refusal {
  if (typeof value !== "object" || value === null || !("code" in value) || !("message" in value)) return false;
  return typeof value.code === "string" && isErrorCode(value.code) && typeof value.message === "string";
}

export interface PodroleErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number;
}

/** A refusal on its way through code that throws. `message` may reach the pod; what must not goes in `cause`. */
export class PodroleError extends Error implements Refusal {
  override readonly name = "PodroleError";
  readonly code: ErrorCode;
  /** How long the origin asked callers to wait, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: ErrorCode, message: string, options: PodroleErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** What is thrown anywhere, as a refusal: our own errors as they are, anything else as INTERNAL without its text. */
export function toPodroleError(error: unknown): PodroleError {
  if (error instanceof PodroleError) return error;
  return new PodroleError("INTERNAL", "podrole failed; its log has the cause", { cause: error });
}
