import assert from "node:assert/strict";
import { test } from "node:test";
import { joinJwt } from "../../../emulators/jwt.ts";
import type { Kubernetes, TokenReview } from "../../../src/kubernetes/api.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { isRefusal } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { knownPodOf } from "../../../src/server/issue/known-pod.ts";
import { createReviewLimiter } from "../../../src/server/issue/token-reviews.ts";
import { createProofVerifier } from "../../../src/server/issue/verify-proof.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");

const REVIEW: TokenReview = {
  authenticated: true,
  audiences: ["podrole.io"],
  username: "system:serviceaccount:team:app",
  uid: "account-1",
  groups: [],
  extra: {
    "authentication.kubernetes.io/pod-name": ["web"],
    "authentication.kubernetes.io/pod-uid": ["u-1"],
    "authentication.kubernetes.io/credential-id": ["JTI=1"],
  },
  error: "",
};
const POD: Pod = {
  metadata: { name: "web", namespace: "team", uid: "u-1" },
  spec: { serviceAccountName: "app", containers: [{ name: "app" }] },
  status: { phase: "Pending" },
};

const describe = (pod: Pod) => knownPodOf(pod, {});

const prove = (review: Partial<TokenReview>, pod: Pod | undefined = POD) =>
  proveWith({ reviewToken: async () => ({ ...REVIEW, ...review }), getPod: async () => pod });

function proveWith(kubernetes: Pick<Kubernetes, "reviewToken" | "getPod">, token = tokenOf({})) {
  const clock = createFakeClock(NOW);
  const limitReviews = createReviewLimiter({ clock });
  const deps = { clock, kubernetes, describe, readSignedPod: () => undefined, limitReviews };
  return createProofVerifier(deps, { audience: "podrole.io" })(new Secret(token), "10.0.0.1:40000");
}

const tokenOf = (claims: object): string =>
  joinJwt({ alg: "RS256" }, { aud: ["podrole.io"], exp: NOW / 1_000 + 600, ...claims }, "c2lnbmF0dXJl");

test("createProofVerifier() returns the pod behind an accepted token", async () => {
  const proven = await prove({});
  assert.ok(!isRefusal(proven));
  assert.deepEqual(
    [proven.namespace, proven.name, proven.uid, proven.serviceAccount, proven.credentialId],
    ["team", "web", "u-1", "app", "JTI=1"],
  );
});

test("createProofVerifier() keeps of the pod what decisions read, however large it is", async () => {
  const long = "x".repeat(1_000_000);
  const spec = { ...POD.spec, containers: [{ name: "app", env: [{ name: "LONG", value: long }] }] };
  const proven = await prove(
    {},
    { ...POD, metadata: { ...POD.metadata, annotations: { "example.com/note": long } }, spec },
  );
  assert.ok(JSON.stringify(proven).length < 1_000);
});

test('createProofVerifier() reads an empty ServiceAccount of the live pod as "default", as Kubernetes does', async () => {
  const pod = { ...POD, spec: { ...POD.spec, serviceAccountName: "" } };
  const proven = await prove({ username: "system:serviceaccount:team:default" }, pod);
  assert.equal(!isRefusal(proven) && proven.serviceAccount, "default");
  const refusal = await prove({ username: "system:serviceaccount:team:app" }, pod);
  assert.equal(isRefusal(refusal) && refusal.code, "POD_UNKNOWN");
});

const extra = (name: string, values: string[]) => ({
  extra: { ...REVIEW.extra, [`authentication.kubernetes.io/${name}`]: values },
});
const REJECTED: readonly (readonly [string, Partial<TokenReview>])[] = [
  ["the API server does not accept the token", { authenticated: false, error: "expired" }],
  ["the API server returns no audience", { audiences: [] }],
  ["the token is for another audience", { audiences: ["https://kubernetes.default.svc"] }],
  ["the token belongs to a user", { username: "alice" }],
  ["the username only looks like a ServiceAccount's", { username: "system:serviceaccount:team:app:x" }],
  ["the token is not bound to a pod", { extra: {} }],
  ["the token has two pod names", extra("pod-name", ["web", "other"])],
  ["the token has two pod uids", extra("pod-uid", ["u-1", "u-2"])],
];
for (const [state, review] of REJECTED) {
  test(`createProofVerifier() returns PROOF_REJECTED when ${state}`, async () => {
    const refusal = await prove(review);
    assert.equal(isRefusal(refusal) && refusal.code, "PROOF_REJECTED");
  });
}

const MISMATCHES: readonly (readonly [string, string, Pod | undefined])[] = [
  ["POD_UNKNOWN", "has another uid", { ...POD, metadata: { ...POD.metadata, uid: "u-2" } }],
  ["POD_UNKNOWN", "runs as another ServiceAccount", { ...POD, spec: { ...POD.spec, serviceAccountName: "admin" } }],
  ["POD_FINISHED", "has succeeded", { ...POD, status: { phase: "Succeeded" } }],
  ["POD_FINISHED", "has failed", { ...POD, status: { phase: "Failed" } }],
];
for (const [code, state, pod] of MISMATCHES) {
  test(`createProofVerifier() returns ${code} when the live pod ${state}`, async () => {
    const refusal = await prove({}, pod);
    assert.equal(isRefusal(refusal) && refusal.code, code);
  });
}

test("createProofVerifier() returns POD_UNKNOWN when there is no such pod", async () => {
  const refusal = await proveWith({ reviewToken: async () => REVIEW, getPod: async () => undefined });
  assert.equal(isRefusal(refusal) && refusal.code, "POD_UNKNOWN");
});

const MINUTE = 60;
const EARLY: readonly (readonly [what: string, token: string, reviewed: boolean])[] = [
  ["is empty", "", false],
  ["is no JSON Web Token", "not.a.token", false],
  ["has two parts", "e30.e30", false],
  ["has four parts", `${tokenOf({})}.e30`, false],
  ["has a header that is no JSON", tokenOf({}).replace(/^[\w-]+/, "bm90IEpTT04"), false],
  ["has a list as payload", joinJwt({}, [], "c2ln"), false],
  ["has characters of plain base64", `${tokenOf({})}+/=`, false],
  ["ends with a newline", `${tokenOf({})}\n`, false],
  ["is for another audience", tokenOf({ aud: ["https://kubernetes.default.svc"] }), false],
  ["is for no audience", tokenOf({ aud: undefined }), false],
  ["is for an audience that contains podrole's", tokenOf({ aud: "podrole.io.example" }), false],
  ["has no expiry", tokenOf({ exp: undefined }), false],
  ["expired six minutes ago", tokenOf({ exp: NOW / 1_000 - 6 * MINUTE }), false],
  ["expired four minutes ago, by this clock", tokenOf({ exp: NOW / 1_000 - 4 * MINUTE }), true],
  ["is for one audience as a text", tokenOf({ aud: "podrole.io" }), true],
  ["is for several audiences", tokenOf({ aud: ["a", "podrole.io"] }), true],
];
for (const [what, token, reviewed] of EARLY) {
  test(`createProofVerifier() ${reviewed ? "reviews" : "refuses without a TokenReview"} a token that ${what}`, async () => {
    let reviews = 0;
    const reviewToken = async () => {
      reviews += 1;
      return REVIEW;
    };
    const proven = await proveWith({ reviewToken, getPod: async () => POD }, token);
    assert.equal(reviews, reviewed ? 1 : 0);
    assert.equal(isRefusal(proven) ? proven.code : "proven", reviewed ? "proven" : "PROOF_REJECTED");
    if (isRefusal(proven)) assert.ok(token === "" || !proven.message.includes(token));
  });
}

test("createProofVerifier() decides nothing by the claims: a token that the API server does not accept is refused", async () => {
  const refusal = await prove({ authenticated: false, error: "signature" });
  assert.equal(isRefusal(refusal) && refusal.code, "PROOF_REJECTED");
});

test("createProofVerifier() refuses at once, for a retry, while too many reviews of unsigned tokens are in flight, and reviews signed ones", async () => {
  const clock = createFakeClock(NOW);
  const gate = Promise.withResolvers<void>();
  const kubernetes = {
    async reviewToken(token: Secret) {
      if (!token.reveal().endsWith("signed")) await gate.promise;
      return REVIEW;
    },
    getPod: async () => POD,
  };
  const readSignedPod = (token: Secret) =>
    token.reveal().endsWith("signed") ? { namespace: "team", uid: "u-1" } : undefined;
  const limits = { signed: { inFlight: 1, perPod: 1, waiting: 1 }, others: { inFlight: 3, perAddress: 2 } };
  const limitReviews = createReviewLimiter({ clock }, limits);
  const deps = { clock, kubernetes, describe, readSignedPod, limitReviews };
  const verify = createProofVerifier(deps, { audience: "podrole.io" });
  const proveFrom = async (address: string, suffix = "") => {
    const proven = await verify(new Secret(tokenOf({}) + suffix), `${address}:40000`);
    return isRefusal(proven) ? proven.code : "proven";
  };
  const first = [proveFrom("10.0.0.1"), proveFrom("10.0.0.1")];
  assert.equal(await proveFrom("10.0.0.1"), "SERVER_OVERLOADED");
  first.push(proveFrom("10.0.0.2"));
  assert.equal(await proveFrom("10.0.0.3"), "SERVER_OVERLOADED");
  assert.equal(await proveFrom("10.0.0.1", "signed"), "proven");
  gate.resolve();
  assert.deepEqual(await Promise.all(first), ["proven", "proven", "proven"]);
  assert.equal(await proveFrom("10.0.0.1"), "proven");
});
