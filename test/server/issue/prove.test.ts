import assert from "node:assert/strict";
import { test } from "node:test";
import type { TokenReview } from "../../../src/kubernetes/api.ts";
import type { Pod } from "../../../src/kubernetes/objects.ts";
import { isRefusal } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { provePod } from "../../../src/server/issue/prove.ts";

const REVIEW: TokenReview = {
  authenticated: true,
  audiences: ["podrole.io"],
  username: "system:serviceaccount:team:app",
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

const prove = (review: Partial<TokenReview>, pod: Pod | undefined = POD) =>
  provePod(
    { reviewToken: async () => ({ ...REVIEW, ...review }), getPod: async () => pod },
    new Secret("token"),
    "podrole.io",
  );

test("provePod() returns the pod behind an accepted token", async () => {
  const proven = await prove({});
  assert.ok(!isRefusal(proven));
  assert.deepEqual(
    [proven.namespace, proven.name, proven.uid, proven.serviceAccount, proven.credentialId],
    ["team", "web", "u-1", "app", "JTI=1"],
  );
});

test('provePod() reads an empty ServiceAccount of the live pod as "default", as Kubernetes does', async () => {
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
  test(`provePod() returns PROOF_REJECTED when ${state}`, async () => {
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
  test(`provePod() returns ${code} when the live pod ${state}`, async () => {
    const refusal = await prove({}, pod);
    assert.equal(isRefusal(refusal) && refusal.code, code);
  });
}

test("provePod() returns POD_UNKNOWN when there is no such pod", async () => {
  const kubernetes = { reviewToken: async () => REVIEW, getPod: async () => undefined };
  const refusal = await provePod(kubernetes, new Secret("token"), "podrole.io");
  assert.equal(isRefusal(refusal) && refusal.code, "POD_UNKNOWN");
});

test("provePod() refuses an empty token without a TokenReview", async () => {
  let reviews = 0;
  const reviewToken = async () => {
    reviews += 1;
    return REVIEW;
  };
  const refusal = await provePod({ reviewToken, getPod: async () => POD }, new Secret(""), "podrole.io");
  assert.ok(isRefusal(refusal));
  assert.equal(refusal.code, "PROOF_REJECTED");
  assert.equal(reviews, 0);
});
