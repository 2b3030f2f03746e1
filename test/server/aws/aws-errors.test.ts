import assert from "node:assert/strict";
import { test } from "node:test";
import { STSServiceException } from "@aws-sdk/client-sts";
import { ERRORS, type ErrorCode, PodroleError } from "../../../src/protocol/errors.ts";
import { fromAwsError, ownCredentialsError } from "../../../src/server/aws/aws-errors.ts";

function exception(name: string, message = "no", status = 400, headers: Record<string, string> = {}) {
  const error = new STSServiceException({
    name,
    message,
    $fault: status < 500 ? "client" : "server",
    $metadata: { httpStatusCode: status },
  });
  return Object.assign(error, { $response: { statusCode: status, headers } });
}

const CLASSES: readonly (readonly [code: ErrorCode, names: readonly string[], status?: number])[] = [
  ["STS_THROTTLED", ["Throttling", "ThrottlingException", "RequestLimitExceeded", "TooManyRequestsException"]],
  ["STS_DENIED", ["AccessDenied", "AccessDeniedException"], 403],
  ["STS_UNAVAILABLE", ["ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "SignatureDoesNotMatch"], 403],
  ["STS_UNAVAILABLE", ["UnrecognizedClientException", "MissingAuthenticationToken", "IncompleteSignature"], 403],
  ["STS_INVALID", ["ValidationError", "PackedPolicyTooLarge", "MalformedPolicyDocument", "InvalidParameterValue"]],
  ["STS_INVALID", ["RegionDisabledException"], 403],
  ["STS_UNAVAILABLE", ["InternalFailure", "ServiceUnavailable"], 500],
];

/** What pods must not see when the server itself cannot use STS. */
const CANARY = "arn:aws:sts::999999999999:assumed-role/canary";

/** Errors of the pod's own request: pods need STS's message to correct it. */
const isOfRequest = (code: ErrorCode, name: string) =>
  code === "STS_DENIED" || (code === "STS_INVALID" && name !== "RegionDisabledException");

for (const [code, names, status] of CLASSES) {
  for (const name of names) {
    const shown = isOfRequest(code, name) ? "STS's message" : "its name, and no word of STS's message";
    test(`fromAwsError() returns ${code} for ${name}, with ${shown}`, () => {
      const error = fromAwsError(exception(name, `message of STS ${CANARY}`, status), "assume role x");
      assert.equal(error.code, code);
      assert.ok(error.message.startsWith("Cannot assume role x: "));
      assert.ok(error.message.includes(name));
      assert.equal(error.message.includes(`${name}: message of STS ${CANARY}`), isOfRequest(code, name));
      assert.equal(error.message.includes(CANARY), isOfRequest(code, name));
      assert.ok(String(error.cause).includes(CANARY), "for the server's log");
    });
  }
}

for (const [what, thrown, shown] of [
  [
    "a refused connection",
    Object.assign(new Error(`connect ECONNREFUSED ${CANARY}`), { code: "ECONNREFUSED" }),
    "ECONNREFUSED",
  ],
  ["a reply that cannot be parsed", new SyntaxError(`Unexpected token <html>${CANARY}`), "SyntaxError"],
  ["a name that is a sentence", exception(`<Code>${CANARY}</Code>`, CANARY, 500), "unknown error"],
  ["a thrown text", CANARY, "unknown error"],
] as const) {
  test(`fromAwsError() and ownCredentialsError() describe ${what} without its message`, () => {
    for (const { code, message } of [
      fromAwsError(thrown, "assume role x"),
      ownCredentialsError(thrown, "assume role x"),
    ]) {
      assert.equal(code, "STS_UNAVAILABLE");
      assert.ok(message.includes(`(${shown})`), message);
      assert.ok(!message.includes(CANARY), message);
    }
  });
}

for (const [name, message, hint] of [
  [
    "PackedPolicyTooLarge",
    "Packed policy consumes 157% of allotted space, please use smaller policy.",
    /session-tag-labels/,
  ],
  [
    "ValidationError",
    "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
    /raise the role's/,
  ],
  [
    "ValidationError",
    "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    /last at most 1h/,
  ],
  ["RegionDisabledException", "STS is not activated in this region for account:1.", /another --region/],
  ["InvalidParameterValue", "The transitive tag key team cannot be overridden.", /transitive tag of this key/],
] as const) {
  test(`fromAwsError() adds a remedy to ${name}: ${message}`, () => {
    assert.match(fromAwsError(exception(name, message), "assume role x").message, hint);
  });
}

test("fromAwsError() honours Retry-After of a proxy before STS, up to 30 s", () => {
  const after = (value: string) =>
    fromAwsError(exception("Throttling", "slow down", 429, { "retry-after": value }), "assume role x").retryAfterMs;
  assert.equal(after("7"), 7_000);
  assert.equal(after("1000000"), 30_000);
  for (const none of ["0", "-1", "soon"]) assert.equal(after(none), undefined);
});

test("fromAwsError() returns podrole's own errors unchanged", () => {
  const own = new PodroleError("STS_THROTTLED", "Cannot assume role x: limited");
  assert.equal(fromAwsError(own, "assume role x"), own);
});

test("fromAwsError() names the settings of the region when none is known", () => {
  const { code, message } = fromAwsError(new Error("Region is missing"), "assume role x");
  assert.deepEqual([code, /--region or AWS_REGION/.test(message)], ["STS_UNAVAILABLE", true]);
});

for (const [what, thrown, part] of [
  ["nothing was found", new Error("Could not load credentials from any providers"), "none was found; the server's log"],
  [
    "STS denies the web identity",
    exception("AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity", 403),
    "AccessDenied",
  ],
  [
    "the token of the web identity has expired",
    exception("ExpiredTokenException", "Token expired"),
    "ExpiredTokenException",
  ],
  ["their source did not answer in time", new DOMException("timeout", "TimeoutError"), "did not answer in time"],
] as const) {
  test(`ownCredentialsError() returns STS_UNAVAILABLE when ${what}, and lists what was tried`, () => {
    const { code, message, cause } = ownCredentialsError(thrown, "assume role x", ["Unable to find", "exit code 3"]);
    assert.equal(code, "STS_UNAVAILABLE");
    assert.equal(ERRORS[code].retry, true);
    assert.ok(message.includes(part), message);
    assert.match(String(cause), /tried: Unable to find; exit code 3;/);
    assert.doesNotMatch(message, /exit code 3|Not authorized|Token expired/, "pods must not see what the server tried");
    for (const accepted of [
      "AWS_ACCESS_KEY_ID",
      "credential_process",
      "IRSA",
      "EKS Pod Identity",
      "instance profile",
    ]) {
      assert.ok(String(cause).includes(accepted), `${accepted} is not in ${String(cause)}`);
    }
  });
}
