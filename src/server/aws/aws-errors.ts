// Maps what the AWS SDK throws to podrole's error codes. Pods see the message of the result. If STS rejects the pod's
// request, it contains STS's message, which names principal and resource. If the server itself cannot use STS, it
// contains an error code alone: the message, and what was tried, are in the cause, for the server's log. The SDK's
// exceptions are recognised by their shape, so nothing of the SDK is imported here.
import { PodroleError } from "../../protocol/errors.ts";
import { type DeniedRequest, describeDenial } from "./sts-denial.ts";

/** The fields that every exception of an AWS service has. */
interface ServiceException extends Error {
  readonly $fault: "client" | "server";
  readonly $metadata: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const THROTTLED_CODES = new Set([
  "Throttling",
  "ThrottlingException",
  "RequestLimitExceeded",
  "TooManyRequestsException",
]);
const DENIED_CODES = new Set(["AccessDenied", "AccessDeniedException"]);
/** If the server's own credentials are invalid or expired, pods get a retryable error, never a denial. */
const OWN_CREDENTIALS_CODES = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "SignatureDoesNotMatch",
  "MissingAuthenticationToken",
  "IncompleteSignature",
]);

/** Remedies for requests that STS rejects, by the exception's name or message. */
const REJECTION_HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^PackedPolicyTooLarge/,
    "only STS can compute the packed size: shorten the session policy, or name fewer labels in --session-tag-labels",
  ],
  [
    /MaxSessionDuration set for this role/,
    "raise the role's MaxSessionDuration, or lower podrole.io/session-duration or --session-duration",
  ],
  [
    /role chaining/,
    "the server is itself a role session or assumes a role first, so sessions last at most 1h: lower the duration",
  ],
  [
    /^RegionDisabledException/,
    "STS is not activated in this region for this account: activate it or choose another --region",
  ],
  [/^MalformedPolicyDocument/, "IAM does not accept the session policy"],
  [
    /transitive tag/,
    "the server's own session has a transitive tag of this key, which no session that it starts can change",
  ],
  [
    /source identity is already set/i,
    "the server's own session has another source identity, which no session that it starts can change",
  ],
];

/**
 * Maps an error of a call to STS; a PodroleError is returned as it is. `action` completes "Cannot …". `request` is the
 * AssumeRole input, if there was one: it lets a denial be explained.
 */
export function fromAwsError(error: unknown, action: string, request?: DeniedRequest): PodroleError {
  if (error instanceof PodroleError) return error;
  if (!isServiceException(error)) {
    return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: ${describeAwsError(error, "STS")}`, { cause: error });
  }
  const retryAfterMs = retryAfterOf(error);
  const options = { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  const received = `${error.name}: ${error.message}`;
  if (THROTTLED_CODES.has(error.name) || error.$metadata.httpStatusCode === 429) {
    return new PodroleError("STS_THROTTLED", `Cannot ${action}: STS throttles calls (${awsCodeOf(error)})`, options);
  }
  if (OWN_CREDENTIALS_CODES.has(error.name)) {
    return new PodroleError(
      "STS_UNAVAILABLE",
      `Cannot ${action}: the server's own AWS credentials: ${awsCodeOf(error)}; ${IN_LOG}`,
      options,
    );
  }
  if (DENIED_CODES.has(error.name)) {
    const denial = request === undefined ? error.message : describeDenial(error.message, request);
    return new PodroleError("STS_DENIED", `Cannot ${action}: ${error.name}: ${denial}`, options);
  }
  if (error.$fault !== "client") {
    return new PodroleError(
      "STS_UNAVAILABLE",
      `Cannot ${action}: STS failed (${awsCodeOf(error)}); ${IN_LOG}`,
      options,
    );
  }
  const hint = REJECTION_HINTS.find(([pattern]) => pattern.test(received))?.[1];
  // A region that is not enabled concerns the server's account, not the pod's request.
  const shown = error.name === "RegionDisabledException" ? error.name : received;
  const message = `Cannot ${action}: ${shown}${hint === undefined ? "" : ` (${hint})`}`;
  return new PodroleError("STS_INVALID", message, options);
}

/** Sources of the server's own AWS credentials, in the order in which the SDK tries them. */
const CREDENTIAL_SOURCES = [
  "--credential-process, such as the credential helper of IAM Roles Anywhere",
  "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  "a profile with keys or, where the image has a shell, a credential_process (AWS_PROFILE, AWS_CONFIG_FILE)",
  "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (IRSA)",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI (EKS Pod Identity)",
  "an instance profile",
];

/**
 * Maps a failure to get the server's own credentials: always the retryable STS_UNAVAILABLE, never a pod's denial. Pods
 * may see the message; `reasons` (what the SDK tried) and the accepted sources are in the cause, for the server's log.
 */
export function ownCredentialsError(error: unknown, action: string, reasons: readonly string[] = []): PodroleError {
  if (error instanceof PodroleError) return error;
  const { name, message: text } = error instanceof Error ? error : { name: "", message: String(error) };
  const received = isServiceException(error) ? `${name}: ${text}` : text;
  const none = /could not load credentials from any providers/i.test(received);
  const state = none
    ? "none was found; the server's log lists the sources that it tried"
    : describeAwsError(error, "their source");
  const tried = reasons.length > 0 ? ` tried: ${reasons.join("; ")};` : "";
  const cause = new Error(
    `${received};${tried} expected one of, in this order of precedence: ${CREDENTIAL_SOURCES.join("; ")}`,
    {
      cause: error,
    },
  );
  return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: the server's own AWS credentials: ${state}`, { cause });
}

/** Ends a message whose details pods must not see. */
const IN_LOG = "the server's log has the details";

/** Describes an error without its own message. `peer` names what failed or did not answer in time. */
function describeAwsError(error: unknown, peer: string): string {
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  if (name === "TimeoutError" || name === "AbortError") return `${peer} did not answer in time`;
  if (/region is missing/i.test(message)) return "no region is known; expected --region or AWS_REGION";
  return `${peer} failed (${awsCodeOf(error)}); ${IN_LOG}`;
}

/** Returns the error's code or name, such as "ECONNREFUSED" or "ExpiredToken", if it is one word. */
function awsCodeOf(error: unknown): string {
  const { code, name } =
    error instanceof Error ? (error as NodeJS.ErrnoException) : { code: undefined, name: undefined };
  return [code, name].find((text) => typeof text === "string" && /^\w{1,64}$/.test(text)) ?? "unknown error";
}

function isServiceException(error: unknown): error is ServiceException {
  return error instanceof Error && "$fault" in error && "$metadata" in error;
}

/**
 * The limiter pauses an account for no longer either: whoever asks for more may recover earlier, and all pods would
 * wait.
 */
const MAX_STS_RETRY_AFTER_MS = 30_000;

/** In milliseconds. STS itself sends no Retry-After; a proxy or a VPC endpoint may. Seconds only. */
function retryAfterOf({ $response }: ServiceException): number | undefined {
  const seconds = Number($response?.headers?.["retry-after"]);
  return seconds > 0 ? Math.min(seconds * 1000, MAX_STS_RETRY_AFTER_MS) : undefined;
}
