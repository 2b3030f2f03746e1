// Authentication of a request. The order of the checks is the one observed at AWS STS, because a client receives only
// the first error: presence → form → clock → credential scope → token → expiry → existence of the role → signature.
// Secrets and tokens are compared in constant time and never leave this file.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html)

import type { AccessKeys } from "./access-keys.ts";
import type { Caller } from "./caller.ts";
import {
  expiredToken,
  incompleteSignature,
  invalidClientTokenId,
  isStsError,
  type StsError,
  signatureDoesNotMatch,
} from "./errors.ts";
import type { RoleTable } from "./roles.ts";
import {
  type Authorization,
  equalInConstantTime,
  isSignedBy,
  parseAuthorization,
  type SignedRequest,
} from "./signature.ts";

/** STS accepts a signature for five minutes around its own time. */
const MAX_SIGNATURE_SKEW_MS = 5 * 60_000;

/** What authentication reads. */
export interface AuthenticationContext {
  readonly credentials: AccessKeys;
  readonly roles: RoleTable;
  readonly region: string;
  /** Unix milliseconds. */
  readonly now: number;
}

/** Returns the caller, or STS's error for the first check that fails. */
export function authenticate(request: SignedRequest, context: AuthenticationContext): Caller | StsError {
  const timestamp = request.headers["x-amz-date"]?.[0] ?? basicFormat(Date.parse(request.headers["date"]?.[0] ?? ""));
  const authorization = parseAuthorization(request.headers["authorization"]?.[0], timestamp !== undefined);
  if (isStsError(authorization)) return authorization;
  const refusal =
    findClockError(timestamp ?? "", context.now) ??
    findCoverageError(request, authorization) ??
    findScopeError(authorization, timestamp ?? "", context.region);
  if (refusal) return refusal;

  const stored = context.credentials.find(authorization.accessKeyId);
  const token = request.headers["x-amz-security-token"]?.[0];
  if (stored === undefined) return invalidClientTokenId();
  if (!equalInConstantTime(stored.sessionToken?.reveal() ?? "", token ?? "")) return invalidClientTokenId();
  if (stored.expiresAt !== undefined && context.now >= stored.expiresAt) return expiredToken();
  const { caller } = stored;
  if (caller.session && context.roles.get(caller.session.roleArn)?.id !== caller.session.roleId) {
    return invalidClientTokenId();
  }
  if (!isSignedBy(stored.secretAccessKey, request, authorization, timestamp ?? "")) return signatureDoesNotMatch();
  return caller;
}

function findClockError(timestamp: string, now: number): StsError | undefined {
  const signedAt = Date.parse(timestamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (Number.isNaN(signedAt) || !timestamp.includes("T")) {
    return incompleteSignature(
      `Date must be in ISO-8601 'basic format'. Got '${timestamp}'. See http://en.wikipedia.org/wiki/ISO_8601`,
    );
  }
  const here = basicFormat(now);
  if (signedAt < now - MAX_SIGNATURE_SKEW_MS) {
    const limit = basicFormat(now - MAX_SIGNATURE_SKEW_MS);
    return signatureDoesNotMatch(`Signature expired: ${timestamp} is now earlier than ${limit} (${here} - 5 min.)`);
  }
  if (signedAt > now + MAX_SIGNATURE_SKEW_MS) {
    const limit = basicFormat(now + MAX_SIGNATURE_SKEW_MS);
    return signatureDoesNotMatch(
      `Signature not yet current: ${timestamp} is still later than ${limit} (${here} + 5 min.)`,
    );
  }
  return undefined;
}

/** Unsigned parts could have been changed in transit: the signature must cover the host and every x-amz-* header. */
function findCoverageError({ headers }: SignedRequest, { signedHeaders }: Authorization): StsError | undefined {
  if (!signedHeaders.includes("host")) {
    return signatureDoesNotMatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.");
  }
  const uncovered = ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"].find(
    (name) => headers[name] !== undefined && !signedHeaders.includes(name),
  );
  if (uncovered === undefined) return undefined;
  return signatureDoesNotMatch(`'${uncovered}' must be a 'SignedHeader' in the AWS Authorization.`);
}

/** STS reports every wrong part, each sentence with a trailing space. */
function findScopeError(scope: Authorization, timestamp: string, region: string): StsError | undefined {
  const problems: string[] = [];
  if (scope.region !== region) problems.push("Credential should be scoped to a valid region. ");
  if (scope.service !== "sts") problems.push("Credential should be scoped to correct service: 'sts'. ");
  if (scope.terminator !== "aws4_request") {
    problems.push(`Credential should be scoped with a valid terminator: 'aws4_request', not '${scope.terminator}'. `);
  }
  const day = timestamp.slice(0, 8);
  if (scope.date !== day) {
    problems.push(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '${scope.date}' != '${day}', from '${timestamp}'. `,
    );
  }
  return problems.length > 0 ? signatureDoesNotMatch(problems.join("")) : undefined;
}

/** Returns YYYYMMDDTHHMMSSZ, or undefined if `at` is not a time. */
function basicFormat(at: number): string | undefined {
  return Number.isNaN(at) ? undefined : new Date(at).toISOString().replaceAll(/[-:]|\.\d{3}/g, "");
}
