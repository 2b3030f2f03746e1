// Who may read the server's state: a denial beside every permission, with the API server emulator's own decisions.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createReviewLimiter } from "../../../src/server/issue/token-reviews.ts";
import { createReaderAuthorizer, READER_REVIEW_LIMITS } from "../../../src/server/state/authorize-reader.ts";
import { createAndRead, startCluster } from "../../kubernetes/harness.ts";

const CLUSTER_RULE = { nonResourceURLs: ["/podrole/state"], verbs: ["get"] };
const NAMESPACE_RULE = { apiGroups: ["podrole.io"], resources: ["state"], verbs: ["get"] };

async function setUp(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  for (const name of ["podrole", "shop", "bank"]) emulator.store.create("namespaces", { metadata: { name } });
  const kubernetes = await connect();
  const reviews = () => emulator.audit.filter(({ requestURI }) => requestURI.includes("tokenreviews")).length;
  const authorize = createReaderAuthorizer(
    {
      clock: systemClock,
      kubernetes,
      readSignedPod: () => undefined,
      limitReviews: createReviewLimiter({ clock: systemClock }, READER_REVIEW_LIMITS),
    },
    { audience: "podrole.io" },
  );
  async function tokenOf(namespace: string, name: string, audience = "podrole.io"): Promise<Secret> {
    if (!emulator.store.find("serviceaccounts", namespace, name)) {
      await createAndRead(emulator, `/api/v1/namespaces/${namespace}/serviceaccounts`, { metadata: { name } });
    }
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`;
    const spec = { audiences: [audience], expirationSeconds: 600 };
    const { status } = await createAndRead<{ status: { token: string } }>(emulator, path, { metadata: {}, spec });
    return new Secret(status.token);
  }
  const answer = async (token: Secret, namespace?: string) => {
    const { username, refusal } = await authorize(token, namespace, "10.0.0.1:1");
    return refusal?.code ?? username;
  };
  const restrict = (account: string, rule: typeof CLUSTER_RULE | typeof NAMESPACE_RULE, namespace?: string) =>
    emulator.restrict(`system:serviceaccount:${account}`, [rule], namespace);
  return { emulator, authorize, tokenOf, answer, restrict, reviews };
}

test("createReaderAuthorizer() lets the reader of the cluster read everything, and an account without the right nothing", async (context) => {
  const { tokenOf, answer, restrict } = await setUp(context);
  restrict("podrole:podrole-reader", CLUSTER_RULE);
  const [reader, other] = [await tokenOf("podrole", "podrole-reader"), await tokenOf("shop", "default")];
  for (const namespace of [undefined, "shop"]) {
    assert.equal(await answer(reader, namespace), "system:serviceaccount:podrole:podrole-reader");
    assert.equal(await answer(other, namespace), "READER_FORBIDDEN");
  }
});

test("createReaderAuthorizer() lets the reader of one namespace read that namespace alone", async (context) => {
  const { tokenOf, answer, restrict } = await setUp(context);
  restrict("shop:podrole-reader", NAMESPACE_RULE, "shop");
  const reader = await tokenOf("shop", "podrole-reader");
  assert.equal(await answer(reader, "shop"), "system:serviceaccount:shop:podrole-reader");
  assert.equal(await answer(reader, "bank"), "READER_FORBIDDEN");
  assert.equal(await answer(reader), "READER_FORBIDDEN");
});

test("createReaderAuthorizer() grants no path by a RoleBinding", async (context) => {
  const { tokenOf, answer, restrict } = await setUp(context);
  restrict("shop:podrole-reader", CLUSTER_RULE, "shop");
  assert.equal(await answer(await tokenOf("shop", "podrole-reader"), "shop"), "READER_FORBIDDEN");
});

test("createReaderAuthorizer() refuses a token of another audience, also if the account has the right", async (context) => {
  const { tokenOf, answer, restrict, reviews } = await setUp(context);
  restrict("podrole:podrole-reader", CLUSTER_RULE);
  assert.equal(
    await answer(await tokenOf("podrole", "podrole-reader", "https://kubernetes.default.svc")),
    "PROOF_REJECTED",
  );
  assert.equal(reviews(), 0, "without a TokenReview");
});

for (const [what, text] of [
  ["no token", ""],
  ["a text that is no token", "Bearer x"],
  ["a token that nobody signed", `${Buffer.from("{}").toString("base64url")}.e30.e30`],
] as const) {
  test(`createReaderAuthorizer() refuses ${what} without a TokenReview`, async (context) => {
    const { answer, reviews } = await setUp(context);
    assert.equal(await answer(new Secret(text)), "PROOF_REJECTED");
    assert.equal(reviews(), 0);
  });
}

test("createReaderAuthorizer() refuses a token whose signature the API server rejects", async (context) => {
  const { tokenOf, answer, restrict } = await setUp(context);
  restrict("podrole:podrole-reader", CLUSTER_RULE);
  const token = (await tokenOf("podrole", "podrole-reader")).reveal();
  const [header = "", payload = ""] = token.split(".");
  assert.equal(await answer(new Secret(`${header}.${payload}.${"A".repeat(86)}`)), "PROOF_REJECTED");
});

test("createReaderAuthorizer() remembers nothing: a right that is withdrawn ends with the next call", async (context) => {
  const { emulator, tokenOf, answer } = await setUp(context);
  const reader = await tokenOf("podrole", "podrole-reader");
  assert.equal(await answer(reader), "READER_FORBIDDEN");
  emulator.restrict("system:serviceaccount:podrole:podrole-reader", [CLUSTER_RULE]);
  assert.equal(await answer(reader), "system:serviceaccount:podrole:podrole-reader");
  emulator.store.remove("serviceaccounts", "podrole", "podrole-reader");
  assert.equal(await answer(reader), "PROOF_REJECTED");
});

test("createReaderAuthorizer() refuses at once while too many reviews of one address are in flight", async (context) => {
  const { emulator, tokenOf, authorize, reviews } = await setUp(context);
  const token = await tokenOf("shop", "default");
  const before = reviews();
  emulator.faults.latencyMs = 200;
  const calls = Array.from({ length: 6 }, () => authorize(token, undefined, "10.0.0.1:1"));
  const codes = (await Promise.all(calls)).map(({ refusal }) => refusal?.code);
  assert.equal(codes.filter((code) => code === "SERVER_OVERLOADED").length, 2);
  await until(() => reviews() === before + 4, "four reviews");
});
