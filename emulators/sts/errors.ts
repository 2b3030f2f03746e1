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
  readonly beforeDispatch: boolean;
}

export function isStsError(value: object): value is StsError {
  return "refused" in value;
}

function stsError(status: number, code: string, message: string | undefined): StsError {
  return { refused: true, status, code, message, type: status < 500 ? "Sender" : "Receiver", beforeDispatch: false };
}

export function invalidAction(action: string, version: string | undefined): StsError {
  const message = `Could not find operation ${action} for version ${version ?? "NO_VERSION_SPECIFIED"}`;
  return { ...stsError(400, "InvalidAction", message), beforeDispatch: true };
}

export function validationError(message: string): StsError {
  return stsError(400, "ValidationError", message);
}

export function malformedInput(message?: string): StsError {
  return stsError(400, "MalformedInput", message);
}

export function invalidParameterValue(message: string): StsError {
  return stsError(400, "InvalidParameterValue", message);
}

export function malformedPolicyDocument(message: string): StsError {
  return stsError(400, "MalformedPolicyDocument", message);
}

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

export function missingAuthenticationToken(): StsError {
  return stsError(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
}

export function incompleteSignature(message: string): StsError {
  return stsError(400, "IncompleteSignature", message);
}

export function invalidClientTokenId(): StsError {
  return stsError(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
}

export function expiredToken(): StsError {
  return stsError(403, "ExpiredToken", "The security token included in the request is expired");
}

export function signatureDoesNotMatch(
  message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
): StsError {
  return stsError(403, "SignatureDoesNotMatch", message);
}

/** The message does not distinguish a missing role from a trust policy that denies. */
export function webIdentityDenied(): StsError {
  return stsError(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

export function invalidIdentityToken(message: string): StsError {
  return stsError(400, "InvalidIdentityToken", message);
}

export function expiredWebIdentityToken(message: string): StsError {
  return stsError(400, "ExpiredTokenException", message);
}

export function throttled(): StsError {
  return stsError(400, "Throttling", "Rate exceeded");
}

export function failed(status: 500 | 503): StsError {
  return status === 500
    ? stsError(
        500,
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
      )
    : stsError(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.");
}
