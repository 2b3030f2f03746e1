// Errors of the STS emulator: values with status, code and message of AWS STS, so that a client's error handling is
// tested with real ones. (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html)

/** An error response of STS, before it is written as XML. */
export interface StsError {
  readonly refused: true;
  readonly status: number;
  /** The `Code` element, which SDKs use as the error's name. */
  readonly code: string;
  /** Absent if STS sends no `Message` element (for numbers that cannot be parsed). */
  readonly message: string | undefined;
  readonly type: "Sender" | "Receiver";
  /** Errors found before the operation is known have another XML namespace than those of an operation. */
  readonly isBeforeDispatch: boolean;
}

/** Reports whether a value is an error rather than a result. */
export function isStsError(value: object): value is StsError {
  return "refused" in value;
}

function stsError(status: number, code: string, message: string | undefined): StsError {
  return { refused: true, status, code, message, type: status < 500 ? "Sender" : "Receiver", isBeforeDispatch: false };
}

/** An operation or API version that STS does not have. */
export function invalidAction(action: string, version: string | undefined): StsError {
  const message = `Could not find operation ${action} for version ${version ?? "NO_VERSION_SPECIFIED"}`;
  return { ...stsError(400, "InvalidAction", message), isBeforeDispatch: true };
}

/** A parameter that violates its constraints; STS lists all of them in one message. */
export function validationError(message: string): StsError {
  return stsError(400, "ValidationError", message);
}

/** A request that cannot be parsed. */
export function malformedInput(message?: string): StsError {
  return stsError(400, "MalformedInput", message);
}

/** A parameter whose value contradicts another one. */
export function invalidParameterValue(message: string): StsError {
  return stsError(400, "InvalidParameterValue", message);
}

/** A session policy that is not a valid policy. */
export function malformedPolicyDocument(message: string): StsError {
  return stsError(400, "MalformedPolicyDocument", message);
}

/** Session policies and tags that exceed the packed size. */
export function packedPolicyTooLarge(message: string): StsError {
  return stsError(400, "PackedPolicyTooLarge", message);
}

/** The same message whether the trust policy, the caller's own policy or the role itself is missing. */
export function accessDenied(callerArn: string, action: string, roleArn: string): StsError {
  return stsError(
    403,
    "AccessDenied",
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${roleArn}`,
  );
}

/** A request without a signature. */
export function missingAuthenticationToken(): StsError {
  return stsError(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
}

/** An Authorization header without a part that Signature Version 4 requires. */
export function incompleteSignature(message: string): StsError {
  return stsError(400, "IncompleteSignature", message);
}

/** An access key that does not exist, or does not belong to the session token. */
export function invalidClientTokenId(): StsError {
  return stsError(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
}

/** A session token past its expiry. */
export function expiredToken(): StsError {
  return stsError(403, "ExpiredToken", "The security token included in the request is expired");
}

/** A signature by another key, or over another request. */
export function signatureDoesNotMatch(
  message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
): StsError {
  return stsError(403, "SignatureDoesNotMatch", message);
}

/** The message does not distinguish a missing role from a trust policy that denies. */
export function webIdentityDenied(): StsError {
  return stsError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

/** A web identity token of an unknown issuer, for another audience, or with an invalid signature. */
export function invalidIdentityToken(message: string): StsError {
  return stsError(400, "InvalidIdentityToken", message);
}

/** A web identity token past its expiry. */
export function expiredWebIdentityToken(message: string): StsError {
  return stsError(400, "ExpiredTokenException", message);
}

/** Too many calls. */
export function throttledError(): StsError {
  return stsError(400, "Throttling", "Rate exceeded");
}

/** A failure inside STS. */
export function serverFailure(status: 500 | 503): StsError {
  return status === 500
    ? stsError(
        500,
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
      )
    : stsError(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.");
}
