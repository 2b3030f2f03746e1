// How the STS emulator says no: values with the status, code and words of AWS STS, so that a client's error handling
// meets here what it meets there. (https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html)

/** An error answer of STS, before it is written as XML. */
export interface StsRefusal {
  readonly refused: true;
  readonly status: number;
  /** The `Code` element; SDKs make it the error's name. */
  readonly code: string;
  /** Absent where STS sends no `Message` element (numbers that cannot be parsed). */
  readonly message: string | undefined;
  readonly type: "Sender" | "Receiver";
  /** Errors found before the operation is known carry another XML namespace than those of an operation. */
  readonly beforeDispatch: boolean;
}

export function isRefusal(value: object): value is StsRefusal {
  return "refused" in value;
}

function refuse(status: number, code: string, message: string | undefined): StsRefusal {
  return { refused: true, status, code, message, type: status < 500 ? "Sender" : "Receiver", beforeDispatch: false };
}

export function invalidAction(action: string, version: string | undefined): StsRefusal {
  const message = `Could not find operation ${action} for version ${version ?? "NO_VERSION_SPECIFIED"}`;
  return { ...refuse(400, "InvalidAction", message), beforeDispatch: true };
}

export function validationError(message: string): StsRefusal {
  return refuse(400, "ValidationError", message);
}

export function malformedInput(message?: string): StsRefusal {
  return refuse(400, "MalformedInput", message);
}

export function invalidParameterValue(message: string): StsRefusal {
  return refuse(400, "InvalidParameterValue", message);
}

export function malformedPolicyDocument(message: string): StsRefusal {
  return refuse(400, "MalformedPolicyDocument", message);
}

export function packedPolicyTooLarge(message: string): StsRefusal {
  return refuse(400, "PackedPolicyTooLarge", message);
}

/** The same words whether the trust policy, the caller's own policy or the role itself is missing. */
export function accessDenied(callerArn: string, action: string, roleArn: string): StsRefusal {
  return refuse(
    403,
    "AccessDenied",
    `User: ${callerArn} is not authorized to perform: ${action} on resource: ${roleArn}`,
  );
}

export function missingAuthenticationToken(): StsRefusal {
  return refuse(403, "MissingAuthenticationToken", "Request is missing Authentication Token");
}

export function incompleteSignature(message: string): StsRefusal {
  return refuse(400, "IncompleteSignature", message);
}

export function invalidClientTokenId(): StsRefusal {
  return refuse(403, "InvalidClientTokenId", "The security token included in the request is invalid.");
}

export function expiredToken(): StsRefusal {
  return refuse(403, "ExpiredToken", "The security token included in the request is expired");
}

export function signatureDoesNotMatch(
  message = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
): StsRefusal {
  return refuse(403, "SignatureDoesNotMatch", message);
}

/** Neither a missing role nor a trust policy is told apart here. */
export function webIdentityDenied(): StsRefusal {
  return refuse(403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity");
}

export function invalidIdentityToken(message: string): StsRefusal {
  return refuse(400, "InvalidIdentityToken", message);
}

export function expiredWebIdentityToken(message: string): StsRefusal {
  return refuse(400, "ExpiredTokenException", message);
}

export function throttled(): StsRefusal {
  return refuse(400, "Throttling", "Rate exceeded");
}

export function failed(status: 500 | 503): StsRefusal {
  return status === 500
    ? refuse(
        500,
        "InternalFailure",
        "The request processing has failed because of an unknown error, exception or failure.",
      )
    : refuse(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.");
}
