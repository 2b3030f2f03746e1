// Admission as the API server runs it, with webhooks over real TLS.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../../emulators/until.ts";
import type { Container, Volume } from "../../../src/kubernetes/objects.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { type Api, PODS_PATH, podNamed, startApi } from "./harness.ts";
import { configurationOf, patchResponse, startTestWebhook, type WebhookFields } from "./webhook.ts";

const CONFIGURATIONS = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations";

async function register({ call }: Api, name: string, ...webhooks: readonly WebhookFields[]): Promise<void> {
  const { code, body } = await call("POST", CONFIGURATIONS, configurationOf(name, ...webhooks));
  assert.equal(code, 201, String(body.message));
}

const annotate = (key: string, value: string) => ({ op: "add", path: `/metadata/annotations/${key}`, value });

function annotated(name: string) {
  return { ...podNamed(name), metadata: { name, annotations: {} } };
}

test("createKubernetesEmulator(): a webhook's patch is stored; its warnings reach the client, its annotations the audit log", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => ({
    ...patchResponse(annotate("by", "w")),
    warnings: ['say "hi"', "zwölf", "two\nlines"],
    auditAnnotations: { decision: "inject" },
  }));
  await register(api, "podrole", webhook.fields);
  const { code, body, headers } = await api.call("POST", PODS_PATH, annotated("a"), { username: "anna" });
  assert.equal(code, 201);
  assert.deepEqual(body.metadata.annotations, { by: "w" });
  assert.equal(headers.get("warning"), '299 - "say \\"hi\\"", 299 - "zwÃ¶lf"');
  const { annotations } = api.emulator.audit.at(-1) ?? {};
  assert.equal(annotations?.["w0.podrole.io/decision"], "inject");
  assert.deepEqual(JSON.parse(annotations?.["mutation.webhook.admission.k8s.io/round_0_index_0"] ?? ""), {
    configuration: "podrole",
    webhook: "w0.podrole.io",
    mutated: true,
  });
});

test("createKubernetesEmulator(): a webhook receives the pod with defaults, but without uid and generated name", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => ({}));
  await register(api, "podrole", webhook.fields);
  await api.call("POST", PODS_PATH, { ...podNamed("a"), metadata: { generateName: "web-" } }, { username: "anna" });
  const [request] = webhook.seen;
  assert.deepEqual(
    [request?.name, request?.namespace, request?.operation, request?.dryRun, request?.userInfo.username],
    [undefined, "default", "CREATE", false, "anna"],
  );
  const { metadata, spec } = request?.object ?? assert.fail();
  assert.deepEqual([metadata.name, metadata.uid, metadata.generateName], [undefined, undefined, "web-"]);
  assert.deepEqual([spec["serviceAccountName"], spec["restartPolicy"]], ["default", "Always"]);
  assert.deepEqual(request?.object["status"], {});
});

const DENIALS = [
  {
    status: { code: 403, reason: "Forbidden", message: "ROLE_FORBIDDEN: no" },
    code: 403,
    expected: "denied the request: ROLE_FORBIDDEN: no",
  },
  { status: { message: "no" }, code: 400, expected: "denied the request: no" },
  { status: { code: 200, reason: "Odd" }, code: 400, expected: "denied the request: Odd" },
  { status: undefined, code: 400, expected: "denied the request without explanation" },
] as const;

for (const { status, code, expected } of DENIALS) {
  test(`createKubernetesEmulator(): a denial with ${JSON.stringify(status)} is a ${code} with the API server's message`, async (t) => {
    const api = await startApi(t);
    const webhook = await startTestWebhook(t, () => ({
      allowed: false,
      status,
      auditAnnotations: { decision: "refuse" },
    }));
    await register(api, "podrole", webhook.fields);
    const answer = await api.call("POST", PODS_PATH, podNamed("a"));
    assert.deepEqual([answer.code, answer.body.message], [code, `admission webhook "w0.podrole.io" ${expected}`]);
    assert.equal((await api.call("GET", `${PODS_PATH}/a`)).code, 404);
    const last = api.emulator.audit.findLast(
      ({ objectRef, verb }) => verb === "create" && objectRef.resource === "pods",
    );
    assert.equal(last?.annotations["w0.podrole.io/decision"], "refuse");
  });
}

const SELECTIONS = [
  { selector: { namespaceSelector: { matchLabels: { "podrole.io/inject": "enabled" } } }, called: true },
  { selector: { namespaceSelector: { matchLabels: { "podrole.io/inject": "disabled" } } }, called: false },
  {
    selector: {
      namespaceSelector: {
        matchExpressions: [{ key: "kubernetes.io/metadata.name", operator: "NotIn", values: ["shop"] }],
      },
    },
    called: false,
  },
  {
    selector: { namespaceSelector: { matchExpressions: [{ key: "podrole.io/inject", operator: "Exists" }] } },
    called: true,
  },
  { selector: { objectSelector: { matchLabels: { app: "web" } } }, called: true },
  { selector: { objectSelector: { matchExpressions: [{ key: "app", operator: "DoesNotExist" }] } }, called: false },
  {
    selector: { rules: [{ operations: ["UPDATE"], apiGroups: [""], apiVersions: ["v1"], resources: ["pods"] }] },
    called: false,
  },
  {
    selector: {
      rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*"], scope: "Cluster" }],
    },
    called: false,
  },
  {
    selector: { rules: [{ operations: ["*"], apiGroups: ["*"], apiVersions: ["*"], resources: ["*/*"] }] },
    called: true,
  },
] as const;

test("createKubernetesEmulator(): selectors and rules select the webhooks to call", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => ({}));
  await api.call("POST", "/api/v1/namespaces", {
    metadata: { name: "shop", labels: { "podrole.io/inject": "enabled" } },
  });
  const pod = { ...podNamed("a"), metadata: { name: "a", labels: { app: "web" } } };
  for (const { selector, called } of SELECTIONS) {
    webhook.seen.length = 0;
    api.emulator.store.create(
      "mutatingwebhookconfigurations",
      configurationOf("one", { ...webhook.fields, ...selector }),
    );
    await api.call("POST", "/api/v1/namespaces/shop/pods?dryRun=All", pod);
    assert.equal(webhook.seen.length, called ? 1 : 0, JSON.stringify(selector));
    api.emulator.store.remove("mutatingwebhookconfigurations", undefined, "one");
  }
});

test("createKubernetesEmulator(): matchConditions are stored and not evaluated, unlike those of a real API server: the webhook is called", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => ({}));
  const matchConditions = [{ name: "never", expression: "false" }];
  api.emulator.store.create(
    "mutatingwebhookconfigurations",
    configurationOf("one", { ...webhook.fields, matchConditions }),
  );
  await api.call("POST", "/api/v1/namespaces/default/pods", podNamed("a"));
  assert.equal(webhook.seen.length, 1);
});

/** Failures between API server and webhook, and Go's messages for them. */
const FAILURES = [
  {
    what: "no listener",
    clientConfig: { url: "https://127.0.0.1:1/mutate" },
    expected:
      /^failed to call webhook: Post "https:\/\/127\.0\.0\.1:1\/mutate\?timeout=10s": dial tcp 127\.0\.0\.1:1: connect: connection refused$/,
  },
  {
    what: "the CA is another one",
    clientConfig: { caBundle: undefined },
    expected: /tls: failed to verify certificate: x509: certificate signed by unknown authority$/,
  },
  {
    what: "the CA is no certificate",
    clientConfig: { caBundle: "eA==" },
    expected: /unable to load root certificates: unable to parse bytes as PEM block$/,
  },
  {
    what: "the certificate has another name",
    clientConfig: { host: "localhost" },
    expected: /tls: failed to verify certificate: x509: certificate is valid for hook\.shop\.svc, not localhost$/,
  },
  {
    what: "an error status",
    decide: () => ({ raw: "oops", status: 500 }),
    expected: /an error on the server \("oops"\) has prevented the request from succeeding$/,
  },
  { what: "no JSON", decide: () => ({ raw: "oops" }), expected: /the response is no JSON object$/ },
  {
    what: "another kind",
    decide: () => ({ raw: '{"apiVersion":"v1","kind":"Pod"}' }),
    expected: /expected webhook response of admission\.k8s\.io\/v1, Kind=AdmissionReview, got apiVersion=v1, Kind=Pod$/,
  },
  {
    what: "another uid",
    decide: () => ({ uid: "1" }),
    expected: /^received invalid webhook response: expected response\.uid="[0-9a-f-]{36}", got "1"$/,
  },
  {
    what: "a patch of no type",
    decide: () => ({ ...patchResponse(), patchType: undefined }),
    expected: /response\.patch but not response\.patchType$/,
  },
  {
    what: "an undecodable patch",
    decide: () => ({ patchType: "JSONPatch", patch: "!" }),
    expected: /^received undecodable patch/,
  },
] as const;

async function failing(t: TestContext, failure: (typeof FAILURES)[number], failurePolicy: string) {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, "decide" in failure ? failure.decide : () => ({}));
  const { host, ...changed } = { host: "127.0.0.1", ...("clientConfig" in failure ? failure.clientConfig : {}) };
  const { url, caBundle } = webhook.fields.clientConfig;
  const clientConfig = { url: url.replace("127.0.0.1", host), caBundle, ...changed };
  await register(api, "podrole", { clientConfig, failurePolicy });
  return { api, answer: await api.call("POST", PODS_PATH, podNamed("a")) };
}

for (const failure of FAILURES) {
  test(`createKubernetesEmulator(): failurePolicy Fail refuses the pod with the API server's message: ${failure.what}`, async (t) => {
    const { answer } = await failing(t, failure, "Fail");
    assert.equal(answer.code, 500);
    const message = answer.body.message ?? "";
    const prefix = 'Internal error occurred: failed calling webhook "w0.podrole.io": ';
    assert.ok(message.startsWith(prefix), message);
    assert.match(message.slice(prefix.length), failure.expected);
  });

  test(`createKubernetesEmulator(): failurePolicy Ignore admits the pod and adds an annotation to the audit log: ${failure.what}`, async (t) => {
    const { api, answer } = await failing(t, failure, "Ignore");
    assert.equal(answer.code, 201);
    const key = "failed-open.mutation.webhook.admission.k8s.io/round_0_index_0";
    assert.equal(api.emulator.audit.at(-1)?.annotations[key], "w0.podrole.io");
  });
}

test("createKubernetesEmulator(): a slow webhook times out after its timeoutSeconds", async (t) => {
  const clock = createFakeClock();
  const api = await startApi(t, { clock });
  const webhook = await startTestWebhook(t, () => undefined);
  await register(api, "podrole", { ...webhook.fields, timeoutSeconds: 5 });
  const pending = api.call("POST", PODS_PATH, podNamed("a"));
  await until(() => webhook.seen.length === 1, "the webhook is called");
  await clock.advance(5_000);
  const { code, body } = await pending;
  assert.equal(code, 500);
  assert.match(body.message ?? "", /\?timeout=5s": context deadline exceeded$/);
});

test("createKubernetesEmulator(): a patch that does not fit refuses the pod, whatever the failure policy", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => patchResponse({ op: "remove", path: "/spec/nothing" }));
  await register(api, "podrole", { ...webhook.fields, failurePolicy: "Ignore" });
  const { code, body } = await api.call("POST", PODS_PATH, podNamed("a"));
  assert.deepEqual([code, body.reason], [500, "InternalError"]);
});

test("createKubernetesEmulator(): a service is called at its address, under its DNS name", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => patchResponse(annotate("by", "w")));
  const { caBundle } = webhook.fields.clientConfig;
  const service = { namespace: "shop", name: "hook", path: "/mutate" };
  await register(api, "podrole", { clientConfig: { service, caBundle } });
  const lost = await api.call("POST", PODS_PATH, annotated("a"));
  assert.match(lost.body.message ?? "", /service "hook" not found$/);
  api.emulator.services.set("shop/hook", webhook.address);
  assert.equal((await api.call("POST", PODS_PATH, annotated("a"))).body.metadata.annotations?.["by"], "w");
});

test("createKubernetesEmulator(): dry run calls webhooks without side effects, and is refused with others", async (t) => {
  const api = await startApi(t);
  const webhook = await startTestWebhook(t, () => ({}));
  await register(api, "podrole", webhook.fields);
  await api.call("POST", `${PODS_PATH}?dryRun=All`, podNamed("a"));
  assert.equal(webhook.seen[0]?.dryRun, true);
  api.emulator.store.create(
    "mutatingwebhookconfigurations",
    configurationOf("other", { ...webhook.fields, sideEffects: "Some" }),
  );
  const refused = await api.call("POST", `${PODS_PATH}?dryRun=All`, podNamed("a"));
  assert.deepEqual(
    [refused.code, refused.body.message],
    [400, 'admission webhook "w0.other.io" does not support dry run'],
  );
});

/** Counts its calls, and adds a container in the first one. */
function injector(name: string) {
  return ({ object }: { object: { spec: Record<string, unknown> } }) => {
    const containers = object.spec["containers"] as Container[];
    const isDone = containers.some((container) => container.name === name);
    return isDone ? {} : patchResponse({ op: "add", path: "/spec/containers/-", value: { name, image: "sidecar:1" } });
  };
}

test("createKubernetesEmulator(): webhooks run in order of their configurations, and an earlier one again if a later one changed the pod", async (t) => {
  const api = await startApi(t);
  const [first, second, never] = await Promise.all([
    startTestWebhook(t, injector("one")),
    startTestWebhook(t, injector("two")),
    startTestWebhook(t, () => ({})),
  ]);
  await register(api, "b-second", second.fields);
  await register(api, "a-first", { ...first.fields, reinvocationPolicy: "IfNeeded" }, never.fields);
  const { body } = await api.call("POST", PODS_PATH, podNamed("a"));
  const containers = (body["spec"] as { containers: Container[] }).containers.map(({ name }) => name);
  assert.deepEqual(containers, ["app", "one", "two"]);
  assert.deepEqual([first.seen.length, never.seen.length, second.seen.length], [2, 1, 1]);
  const seenAgain = (first.seen[1]?.object.spec["containers"] ?? []) as Container[];
  assert.deepEqual(
    seenAgain.map(({ name }) => name),
    ["app", "one", "two"],
  );
});

test("createKubernetesEmulator(): a webhook is not called again if no later one changed the object, even if it requests reinvocation", async (t) => {
  const api = await startApi(t);
  const only = await startTestWebhook(t, injector("one"));
  await register(api, "podrole", { ...only.fields, reinvocationPolicy: "IfNeeded" });
  await api.call("POST", PODS_PATH, podNamed("a"));
  assert.equal(only.seen.length, 1);
});

test("createKubernetesEmulator(): the API token's volume is in the pod before webhooks, and in their containers after them", async (t) => {
  const api = await startApi(t, { mountTokens: true });
  const only = await startTestWebhook(t, injector("one"));
  await register(api, "podrole", { ...only.fields, reinvocationPolicy: "IfNeeded" });
  const { body } = await api.call("POST", PODS_PATH, podNamed("a"));
  const { containers, volumes } = body["spec"] as { containers: Container[]; volumes: Volume[] };
  assert.match(volumes[0]?.name ?? "", /^kube-api-access-/);
  for (const { name, volumeMounts } of containers) {
    assert.deepEqual(
      volumeMounts?.map(({ mountPath }) => mountPath),
      ["/var/run/secrets/kubernetes.io/serviceaccount"],
      name,
    );
  }
  // The plugin changed the pod after the webhook, so the webhook is called again.
  assert.equal(only.seen.length, 2);
  const off = await api.call("POST", PODS_PATH, podNamed("b", { automountServiceAccountToken: false }));
  assert.equal((off.body["spec"] as { volumes?: Volume[] }).volumes, undefined);
});
