// The one mapper of what the AWS SDK throws: classes of errors to codes of podrole's, STS's own words kept, because they
// name principal and resource. It knows the SDK's exceptions by their shape and imports nothing of it.
import { PodroleError } from "../../protocol/errors.ts";
import { type DeniedRequest, explainDenial } from "./sts-denial.ts";

/** What every exception of an AWS service has. */
interface ServiceException extends Error {
  readonly $fault: "client" | "server";
  readonly $metadata: { readonly httpStatusCode?: number };
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> };
}

const THROTTLED = new Set(["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"]);
const DENIED = new Set(["AccessDenied", "AccessDeniedException"]);
/** Our own credentials are bad or gone: for pods that is a passing fault of the server, never their refusal. */
const OWN_CREDENTIALS = new Set([
  "ExpiredToken",
  "ExpiredTokenException",
  "InvalidClientTokenId",
  "UnrecognizedClientException",
  "SignatureDoesNotMatch",
  "MissingAuthenticationToken",
  "IncompleteSignature",
]);

/** What a person does about a request that STS rejects, by STS's name for it or by its words. */
const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /^PackedPolicyTooLarge/,
    "STS alone knows the packed size: shorten the session policy, or name fewer labels in --session-tag-labels",
  ],
  [
    /MaxSessionDuration set for this role/,
    "raise the role's MaxSessionDuration, or lower podrole.io/session-duration or --session-duration",
  ],
  [/role chaining/, "the server is a role itself or goes through one: 1h is the most, lower the duration"],
  [
    /^RegionDisabledException/,
    "STS is switched off in this region for this account: activate it or choose another --region",
  ],
  [/^MalformedPolicyDocument/, "the session policy is not one that IAM takes"],
  [/transitive tag/, "the server's own session has a transitive tag of this key, which nothing can change"],
  [/source identity is already set/i, "the server's own session has another source identity, which stays"],
];

/** `action` completes "Cannot …"; `asked` is what the AssumeRole was about, if it was for a pod. */
export function fromAwsError(error: unknown, action: string, asked?: DeniedRequest): PodroleError {
  if (error instanceof PodroleError) return error;
  if (!isServiceException(error)) {
    return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: ${stateOf(error, "STS")}`, { cause: error });
  }
  const retryAfterMs = retryAfter(error);
  const options = { cause: error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  const said = `${error.name}: ${error.message}`;
  if (THROTTLED.has(error.name) || error.$metadata.httpStatusCode === 429) {
    return new PodroleError("STS_THROTTLED", `Cannot ${action}: ${said}`, options);
  }
  if (OWN_CREDENTIALS.has(error.name)) {
    return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: the server's own AWS credentials: ${said}`, options);
  }
  if (DENIED.has(error.name)) {
    const why = asked === undefined ? "" : explainDenial(error.message, asked);
    return new PodroleError("STS_DENIED", `Cannot ${action}: ${said}${why}`, options);
  }
  if (error.$fault !== "client") return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: ${said}`, options);
  const hint = HINTS.find(([words]) => words.test(said))?.[1];
  return new PodroleError("STS_INVALID", `Cannot ${action}: ${said}${hint === undefined ? "" : ` (${hint})`}`, options);
}

/** Where podrole's server may have its own AWS credentials from, in the order in which the SDK looks. */
const ACCEPTED = [
  "--credential-process, such as Roles Anywhere's helper",
  "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY",
  "a profile with keys or, where the image has a shell, a credential_process (AWS_PROFILE, AWS_CONFIG_FILE)",
  "AWS_WEB_IDENTITY_TOKEN_FILE and AWS_ROLE_ARN (IRSA)",
  "AWS_CONTAINER_CREDENTIALS_FULL_URI (EKS Pod Identity)",
  "an instance profile",
];

/**
 * Why the server has no credentials to ask STS with: never a pod's fault. What pods may know is the message; what was
 * tried (`reasons`) and what would do is the cause, for the server's log.
 */
export function noOwnCredentials(error: unknown, action: string, reasons: readonly string[] = []): PodroleError {
  if (error instanceof PodroleError) return error;
  const said = isServiceException(error) ? `${error.name}: ${error.message}` : stateOf(error, "where they come from");
  const none = /could not load credentials from any providers/i.test(said);
  const state = none ? "none was found, podrole's log says where it looked" : said;
  const tried = reasons.length > 0 ? ` tried: ${reasons.join("; ")};` : "";
  const cause = new RangeError(`${said};${tried} wanted one of, the first that is set counts: ${ACCEPTED.join("; ")}`, {
    cause: error,
  });
  return new PodroleError("STS_UNAVAILABLE", `Cannot ${action}: the server's own AWS credentials: ${state}`, { cause });
}

/** What is wrong when it is no answer of STS. `whom`: who may not have answered in time. */
function stateOf(error: unknown, whom: string): string {
  const { name, message } = error instanceof Error ? error : { name: "", message: String(error) };
  if (name === "TimeoutError" || name === "AbortError") return `${whom} did not answer in time`;
  return /region is missing/i.test(message) ? "no region is known, wanted --region or AWS_REGION" : message;
}

function isServiceException(error: unknown): error is ServiceException {
  return error instanceof Error && "$fault" in error && "$metadata" in error;
}

/** STS itself sends no Retry-After; a proxy or a VPC endpoint may. Seconds only, an hour at most. */
function retryAfter({ $response }: ServiceException): number | undefined {
  const seconds = Number($response?.headers?.["retry-after"]);
  return seconds > 0 ? Math.min(seconds, 3_600) * 1000 : undefined;
}
