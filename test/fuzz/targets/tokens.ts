// Tokens that callers show, the API server's verdicts on them, and the sidecar's stored credentials.
import assert from "node:assert/strict";
import { Metadata, type ServiceError } from "@grpc/grpc-js";
import * as fc from "fast-check";
import { joinJwt } from "../../../emulators/jwt.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { isRefusal, PodroleError } from "../../../src/protocol/errors.ts";
import { fromServiceError, toStatus } from "../../../src/protocol/status.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { fromAwsError } from "../../../src/server/aws/aws-errors.ts";
import { knownPodOf } from "../../../src/server/issue/known-pod.ts";
import { findTokenProblem } from "../../../src/server/issue/token-form.ts";
import { createReviewLimiter } from "../../../src/server/issue/token-reviews.ts";
import { createProofVerifier } from "../../../src/server/issue/verify-proof.ts";
import { hashOf } from "../../../src/sidecar/authorization-tokens.ts";
import { decodeGrants, encodeGrants } from "../../../src/sidecar/files/grants-file.ts";
import { createTokenMatcher } from "../../../src/sidecar/http/match-token.ts";
import { createMetadataTokens } from "../../../src/sidecar/http/metadata/metadata-tokens.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { hostileText, mutatedJson, mutatedText } from "../generate.ts";
import { canaryOf, defineTarget, messageOf } from "../target.ts";

const containerTokens = ["A".repeat(43), "b-_".repeat(14) + "c", "0".repeat(43)];
const earlierToken = "e".repeat(43);
const authorizeContainer = createTokenMatcher({
  current: containerTokens.map((token) => new Secret(token)),
  earlier: [hashOf(earlierToken)],
});

const authorize = defineTarget({
  name: "container token",
  weight: 100,
  inputs: mutatedText([
    ...containerTokens,
    earlierToken,
    hashOf(earlierToken),
    `Bearer ${containerTokens[0]}`,
    `${containerTokens[0]}\n`,
  ]),
  run(header) {
    const match = authorizeContainer(header);
    // Exactly the token's own text identifies a container; its place in a longer text does not.
    const index = containerTokens.indexOf(header);
    const other = { token: header === earlierToken ? "replaced" : "unknown" };
    assert.deepEqual(match, index >= 0 ? { token: "current", containerIndex: index } : other);
    return [];
  },
});

const clock = createFakeClock();
const tokens = createMetadataTokens({ clock });
const issued = [tokens.issue(60), tokens.issue(21_600)];

const metadata = defineTarget({
  name: "metadata token",
  weight: 60,
  inputs: mutatedText([...issued, "x", ".", `${issued[0]}.${issued[1]}`]),
  run(text) {
    const [expiry = "", signature = ""] = text.split(".", 2);
    const known = issued.some((token) => token === `${expiry}.${signature}`);
    assert.equal(tokens.accepts(text), known, text);
    return [];
  },
});

const REVIEW = {
  authenticated: true,
  audiences: ["podrole.io"],
  username: "system:serviceaccount:shop:orders",
  uid: "u",
  groups: [],
  extra: {
    "authentication.kubernetes.io/pod-name": ["web"],
    "authentication.kubernetes.io/pod-uid": ["uid-1"],
    "authentication.kubernetes.io/credential-id": ["JTI=1"],
  },
  error: "",
};
const POD = {
  metadata: { name: "web", namespace: "shop", uid: "uid-1" },
  spec: { serviceAccountName: "orders", containers: [{ name: "app" }] },
};

const CLAIMS = { aud: ["podrole.io"], exp: 4_102_444_800 };
const signed = (claims: unknown) => joinJwt({ alg: "RS256" }, claims, "c2lnbmF0dXJl");

const form = defineTarget({
  name: "token form",
  weight: 100,
  inputs: mutatedText([signed(CLAIMS), signed({ ...CLAIMS, aud: "podrole.io" }), signed({ exp: 1 }), "not.a.token"]),
  run(text) {
    const problem = findTokenProblem(new Secret(text), { audience: "podrole.io", now: 0 });
    if (problem !== undefined) return [problem];
    assert.match(text, /^[\w-]+\.[\w-]+\.[\w-]+$/);
    return [];
  },
});

const review = defineTarget({
  name: "token review",
  isAsync: true,
  weight: 40,
  inputs: fc.tuple(
    mutatedJson([
      REVIEW,
      { ...REVIEW, authenticated: false, error: "invalid bearer token" },
      { ...REVIEW, audiences: [] },
    ]),
    fc.constantFrom(
      undefined,
      POD,
      { ...POD, metadata: { ...POD.metadata, uid: "uid-2" } },
      { ...POD, status: { phase: "Failed" } },
    ),
  ),
  async run([verdict, pod]) {
    // The client that reads the API server's answer has checked the types; here only values are hostile.
    const typed = {
      ...REVIEW,
      ...Object.fromEntries(Object.entries(verdict).filter(([key, value]) => isOfType(key, value))),
    };
    const token = new Secret(joinJwt({ alg: "RS256" }, CLAIMS, canaryOf("a ServiceAccount token")));
    const kubernetes = { reviewToken: async () => typed, getPod: async () => pod };
    const describe = (found: Pod) => knownPodOf(found, {});
    const limitReviews = createReviewLimiter({ clock });
    const deps = { clock, kubernetes, describe, readSignedPod: () => undefined, limitReviews };
    const prove = createProofVerifier(deps, { audience: "podrole.io" });
    const proven = await prove(token, "10.0.0.1:40000");
    if (isRefusal(proven))
      return [
        proven.message,
        messageOf({ ...proven, message: "Cannot do it" }, ["PROOF_REJECTED", "POD_UNKNOWN", "POD_FINISHED"]),
      ];
    assert.equal(typed.authenticated, true);
    assert.ok(typed.audiences.includes("podrole.io"));
    assert.deepEqual([proven.namespace, proven.serviceAccount, proven.uid], ["shop", "orders", "uid-1"]);
    return [];
  },
});

function isOfType(key: string, value: unknown): boolean {
  const texts = (list: unknown) => Array.isArray(list) && list.every((one) => typeof one === "string");
  if (key === "audiences") return texts(value);
  if (key === "extra") return typeof value === "object" && value !== null && Object.values(value).every(texts);
  return typeof value === typeof (REVIEW as Readonly<Record<string, unknown>>)[key];
}

const GRANTS = encodeGrants({
  certificate: { renewAtMs: 1, expiresAtMs: 2 },
  containers: [
    {
      container: "app",
      served: true,
      credentials: {
        accessKeyId: "ASIAEXAMPLE",
        secretAccessKey: new Secret(canaryOf("a session's secret key")),
        sessionToken: new Secret(canaryOf("a session token")),
        roleArn: "arn:aws:iam::123456789012:role/a",
        accountId: "123456789012",
        issuedAtMs: 1,
        expiresAtMs: 2,
        renewAtMs: 1,
      },
      refusal: { code: "STS_DENIED", message: "Cannot", retryAfterMs: 0 },
    },
  ],
});

const grants = defineTarget({
  name: "stored credentials",
  weight: 60,
  inputs: fc.oneof(
    mutatedText([GRANTS]),
    mutatedJson([JSON.parse(GRANTS) as object]).map((value) => JSON.stringify(value)),
  ),
  run(text) {
    const read = decodeGrants(text);
    if (read === undefined) return [];
    for (const { credentials, container } of read.containers) {
      assert.equal(typeof container, "string");
      assert.ok(credentials === undefined || Number.isFinite(credentials.expiresAtMs));
    }
    // As a log line would show it.
    return [JSON.stringify(read)];
  },
});

const wire = defineTarget({
  name: "refusals on the wire",
  weight: 40,
  inputs: fc.tuple(
    fc.constantFrom("ROLE_FORBIDDEN", "constructor", "", "__proto__", "INTERNAL"),
    mutatedText(["1000", "-1", "NaN", "1e9"]),
    hostileText,
    fc.nat(20),
  ),
  run([code, retryAfter, details, status]) {
    const headers = new Metadata();
    headers.set("podrole-code", code);
    // Metadata refuses what cannot stand in a header.
    if (/^[\x20-\x7e]*$/.test(retryAfter)) headers.set("podrole-retry-after-ms", retryAfter);
    const error = fromServiceError(
      Object.assign<Error, Omit<ServiceError, keyof Error>>(new Error(details), {
        code: status,
        details,
        metadata: headers,
      }),
      "server:8443",
    );
    assert.ok(
      error instanceof PodroleError && ["ROLE_FORBIDDEN", "INTERNAL", "SERVER_UNREACHABLE"].includes(error.code),
    );
    assert.ok(error.retryAfterMs === undefined || Number.isFinite(error.retryAfterMs));
    const secret = new Error(canaryOf("the cause of an error"));
    return [String(toStatus(new PodroleError(error.code, "Cannot do it", { cause: secret })).details)];
  },
});

const MESSAGES = [
  "User: arn:aws:sts::123456789012:assumed-role/podrole/i-1 is not authorized to perform: sts:AssumeRole on resource: arn:aws:iam::123456789012:role/a because no identity-based policy allows the sts:AssumeRole action",
  "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
  "Rate exceeded",
];

const aws = defineTarget({
  name: "answers of STS",
  weight: 40,
  inputs: fc.tuple(
    fc.constantFrom(
      "AccessDenied",
      "Throttling",
      "ExpiredToken",
      "ValidationError",
      "__proto__",
      "PackedPolicyTooLarge",
    ),
    mutatedText(MESSAGES),
    fc.constantFrom("client", "server", undefined),
    hostileText,
  ),
  run([name, message, fault, retryAfter]) {
    const externalId = canaryOf("an external ID");
    const thrown = Object.assign(new Error(message), {
      name,
      $fault: fault,
      $metadata: { httpStatusCode: 400 },
      $response: { headers: { "retry-after": retryAfter } },
    });
    const error = fromAwsError(thrown, "assume role a", { roleArn: "arn:aws:iam::123456789012:role/a", externalId });
    assert.match(error.code, /^STS_/);
    assert.ok(
      error.retryAfterMs === undefined || (Number.isFinite(error.retryAfterMs) && error.retryAfterMs >= 0),
      String(error.retryAfterMs),
    );
    return [error.message];
  },
});

export const TOKEN_TARGETS = [authorize, metadata, form, review, grants, wire, aws];
