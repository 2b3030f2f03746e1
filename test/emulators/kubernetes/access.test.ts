// Authentication and authorization: users by their kubeconfigs, ServiceAccounts by their tokens, rules of a
// ClusterRole.
import assert from "node:assert/strict";
import { test } from "node:test";
import { joinJwt, readJwt } from "../../../emulators/jwt.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { type Api, CONFIG_MAPS_PATH, PODS_PATH, podNamed, startApi } from "./harness.ts";

const TOKEN_PATH = "/api/v1/namespaces/default/serviceaccounts/default/token";
const REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";

async function requestToken({ call }: Api, spec: object): Promise<string> {
  const { code, body } = await call("POST", TOKEN_PATH, { spec });
  assert.equal(code, 201, String(body.message));
  return (body["status"] as { token: string }).token;
}

interface ReviewStatus {
  readonly authenticated?: boolean;
  readonly audiences?: readonly string[];
  readonly error?: string;
  readonly user: { readonly extra?: Record<string, readonly string[]> };
}

async function review({ call }: Api, token: string, audiences?: readonly string[]): Promise<ReviewStatus> {
  const { body } = await call("POST", REVIEWS, { spec: { token, audiences } });
  return body["status"] as ReviewStatus;
}

test("createKubernetesEmulator(): a user without rules is allowed everything, an unknown user nothing", async (t) => {
  const { call } = await startApi(t);
  assert.equal((await call("GET", CONFIG_MAPS_PATH, undefined, { username: "anna" })).code, 200);
  const { code, body } = await call("GET", CONFIG_MAPS_PATH, undefined, { token: "made-up" });
  assert.deepEqual([code, body.message], [401, "Unauthorized"]);
});

const RULES = [
  { apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "create"] },
  { apiGroups: [""], resources: ["configmaps"], resourceNames: ["mine"], verbs: ["get", "patch", "list"] },
  { apiGroups: ["authentication.k8s.io"], resources: ["tokenreviews"], verbs: ["create"] },
  { apiGroups: [""], resources: ["serviceaccounts/token"], verbs: ["*"] },
];

const ALLOWED = [
  { method: "GET", path: PODS_PATH, allowed: true },
  { method: "GET", path: "/api/v1/pods", allowed: true },
  {
    method: "GET",
    path: `${PODS_PATH}?watch=true`,
    allowed: false,
    expected: 'pods is forbidden: User "anna" cannot watch resource "pods" in API group "" in the namespace "default"',
  },
  {
    method: "GET",
    path: "/api/v1/secrets",
    allowed: false,
    expected: 'secrets is forbidden: User "anna" cannot list resource "secrets" in API group "" at the cluster scope',
  },
  { method: "GET", path: `${CONFIG_MAPS_PATH}/mine`, allowed: true },
  {
    method: "GET",
    path: `${CONFIG_MAPS_PATH}/other`,
    allowed: false,
    expected:
      'configmaps "other" is forbidden: User "anna" cannot get resource "configmaps" in API group "" in the namespace "default"',
  },
  { method: "GET", path: `${CONFIG_MAPS_PATH}?fieldSelector=metadata.name=mine`, allowed: true },
  { method: "GET", path: CONFIG_MAPS_PATH, allowed: false },
  { method: "POST", path: REVIEWS, allowed: true },
  { method: "POST", path: TOKEN_PATH, allowed: true },
  { method: "DELETE", path: `${PODS_PATH}/a`, allowed: false },
  {
    method: "PATCH",
    path: `${PODS_PATH}/a/status`,
    allowed: false,
    expected:
      'pods/status "a" is forbidden: User "anna" cannot patch resource "pods/status" in API group "" in the namespace "default"',
  },
] as const;

test("createKubernetesEmulator(): rules allow exactly what they list, with RBAC's messages", async (t) => {
  const { emulator, call } = await startApi(t);
  await call("POST", CONFIG_MAPS_PATH, { metadata: { name: "mine" } });
  emulator.restrict("anna", RULES);
  for (const { method, path, allowed, ...refusal } of ALLOWED) {
    const answer = await call(method, path, method === "POST" ? { spec: { token: "x" } } : undefined, {
      username: "anna",
    });
    assert.equal(answer.code === 403, !allowed, `${method} ${path}: ${answer.code}`);
    if ("expected" in refusal) assert.equal(answer.body.message, refusal.expected);
  }
});

test("createKubernetesEmulator(): rules bound in one namespace do not apply in others", async (t) => {
  const { emulator, call } = await startApi(t);
  emulator.restrict("anna", RULES, "default");
  assert.equal((await call("GET", PODS_PATH, undefined, { username: "anna" })).code, 200);
  assert.equal((await call("GET", "/api/v1/namespaces/kube-system/pods", undefined, { username: "anna" })).code, 403);
  assert.equal((await call("GET", "/api/v1/pods", undefined, { username: "anna" })).code, 403);
});

test("createKubernetesEmulator(): a token for the API's own audience authenticates as its ServiceAccount", async (t) => {
  const api = await startApi(t);
  api.emulator.restrict("system:serviceaccount:default:default", RULES);
  const token = await requestToken(api, {});
  assert.equal((await api.call("GET", PODS_PATH, undefined, { token })).code, 200);
  const { body } = await api.call("GET", "/api/v1/secrets", undefined, { token });
  assert.match(body.message ?? "", /User "system:serviceaccount:default:default" cannot list/);
  const foreign = await requestToken(api, { audiences: ["vault"] });
  assert.equal((await api.call("GET", PODS_PATH, undefined, { token: foreign })).code, 401);
});

test("createKubernetesEmulator(): a review returns the audiences that token and request share", async (t) => {
  const api = await startApi(t);
  const token = await requestToken(api, { audiences: ["a", "b"] });
  assert.deepEqual((await review(api, token, ["b", "c", "a"])).audiences, ["b", "a"]);
  const refused = await review(api, token, ["c", "d"]);
  assert.deepEqual(refused, {
    user: {},
    error: '[invalid bearer token, token audiences ["a" "b"] is invalid for the target audiences ["c" "d"]]',
  });
  // Without audiences the review is for the API's own.
  assert.equal((await review(api, token)).authenticated, undefined);
});

test("createKubernetesEmulator(): a review checks a token's signature, time and bound object", async (t) => {
  const clock = createFakeClock();
  const api = await startApi(t, { clock });
  const { body: pod } = await api.call("POST", PODS_PATH, podNamed("web"));
  await api.call("POST", `${PODS_PATH}/web/binding`, { metadata: { name: "web" }, target: { name: "node-1" } });
  const boundObjectRef = { kind: "Pod", apiVersion: "v1", name: "web", uid: pod.metadata.uid };
  const token = await requestToken(api, { audiences: ["a"], expirationSeconds: 600, boundObjectRef });

  const { user } = await review(api, token, ["a"]);
  assert.deepEqual(user.extra?.["authentication.kubernetes.io/pod-uid"], [pod.metadata.uid]);
  assert.deepEqual(user.extra?.["authentication.kubernetes.io/node-name"], ["node-1"]);

  const { header, claims, signature = "" } = readJwt(token) ?? {};
  const other = joinJwt(header, { ...claims, aud: ["b"] }, signature);
  assert.equal((await review(api, other, ["b"])).error, "invalid bearer token");

  // A deleted pod's token works for the leeway, a minute past the end of the grace period, and no longer.
  await api.call("DELETE", `${PODS_PATH}/web`);
  assert.equal((await review(api, token, ["a"])).authenticated, true);
  await clock.advance(91_000);
  assert.equal(
    (await review(api, token, ["a"])).error,
    "[invalid bearer token, service account token has been invalidated]",
  );
});

test("createKubernetesEmulator(): a token expires at its time plus one minute of leeway", async (t) => {
  const clock = createFakeClock();
  const api = await startApi(t, { clock });
  const token = await requestToken(api, { audiences: ["a"], expirationSeconds: 600 });
  await clock.advance(659_000);
  assert.equal((await review(api, token, ["a"])).authenticated, true);
  await clock.advance(2_000);
  assert.equal((await review(api, token, ["a"])).error, "[invalid bearer token, service account token has expired]");
});

const REFUSED_TOKENS = [
  { spec: { expirationSeconds: 599 }, code: 422, message: /may not specify a duration less than 10 minutes$/ },
  { spec: { boundObjectRef: { kind: "Pod", name: "ghost" } }, code: 404, message: /^pods "ghost" not found$/ },
  {
    spec: { boundObjectRef: { kind: "Pod", name: "web", uid: "1" } },
    code: 409,
    message: /does not match the UID in record/,
  },
  {
    spec: { boundObjectRef: { kind: "Pod", name: "foreign" } },
    code: 400,
    message: /pod running with different serviceaccount name\.$/,
  },
] as const;

test("createKubernetesEmulator(): a token request is refused for an object that cannot be bound", async (t) => {
  const api = await startApi(t);
  await api.call("POST", "/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "other" } });
  await api.call("POST", PODS_PATH, podNamed("web"));
  await api.call("POST", PODS_PATH, podNamed("foreign", { serviceAccountName: "other" }));
  for (const { spec, code, message } of REFUSED_TOKENS) {
    const answer = await api.call("POST", TOKEN_PATH, { spec });
    assert.equal(answer.code, code, String(answer.body.message));
    assert.match(answer.body.message ?? "", message);
  }
});

test("createKubernetesEmulator(): the audit log records user, request and outcome", async (t) => {
  const { emulator, call } = await startApi(t);
  emulator.restrict("anna", RULES);
  await call("POST", PODS_PATH, podNamed("web"), { username: "anna" });
  await call("DELETE", `${PODS_PATH}/web`, undefined, { username: "anna" });
  assert.deepEqual(
    emulator.audit.map(({ verb, user, objectRef, responseStatus }) => [
      verb,
      user.username,
      objectRef.name,
      responseStatus.code,
    ]),
    [
      ["create", "anna", "web", 201],
      ["delete", "anna", "web", 403],
    ],
  );
  assert.equal(emulator.audit[1]?.responseStatus.reason, "Forbidden");
});
