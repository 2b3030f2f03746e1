// The port as the API server sees it: real HTTPS where connections matter, inject() where only the answer matters.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { Agent, request } from "node:https";
import { type TestContext, test } from "node:test";
import type { TLSSocket } from "node:tls";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { type Authority, createAuthority, issueCertificate } from "../../src/pki/certificate.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import type { TlsMaterial } from "../../src/protocol/tls.ts";
import { createMetrics } from "../../src/runtime/metrics.ts";
import { createAdmissionHandler } from "../../src/webhook/admit.ts";
import { createWebhookApp } from "../../src/webhook/app.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { measureAdmission, measureReads } from "../../src/webhook/measure.ts";
import { WEBHOOK_METRICS } from "../../src/webhook/metrics.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { annotatedPod, createFakeCluster, reviewOf, SHOP } from "./requests.ts";

const LIFETIME_MS = 3_600_000;

function servingBy(authority: Authority): TlsMaterial {
  const privateKey = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(privateKey.reveal()));
  const subject = { kind: "serving", dnsNames: [], ipAddresses: ["127.0.0.1"] } as const;
  const { pem } = issueCertificate({ authority, publicKey, subject, now: Date.now(), lifetimeMs: LIFETIME_MS });
  return { certificatePem: pem, privateKey };
}

function newAuthority(commonName: string): Authority {
  return createAuthority({ commonName, now: Date.now(), lifetimeMs: LIFETIME_MS });
}

function createStage(test: TestContext) {
  const clock = createFakeClock();
  const cluster = createFakeCluster();
  const metrics = createMetrics(WEBHOOK_METRICS);
  const { log, lines } = createKeptLog();
  const authority = newAuthority("first");
  let material = servingBy(authority);
  const listeners = new Set<() => void>();
  const lookups = createPodContextReader({ clock, cluster: measureReads(cluster, metrics) }, { timeoutMs: 3_000 });
  const admit = createAdmissionHandler({ clock, log, audit: () => {}, lookups, settings: () => PLAN_SETTINGS });
  const app = createWebhookApp(
    {
      clock,
      admit: measureAdmission(admit, metrics),
      log,
      tls: {
        current: () => material,
        onChange(listener) {
          listeners.add(listener);
          return () => listeners.delete(listener);
        },
      },
      onUnreadable: (status) => metrics.unreadable.inc({ status }),
    },
    { host: "127.0.0.1", port: 0 },
  );
  test.after(() => app.close());
  return {
    app,
    clock,
    lines,
    authority,
    cluster,
    metrics,
    listeners,
    replaceCertificate: (next: Authority) => {
      material = servingBy(next);
      for (const listener of listeners) listener();
    },
    post: async (payload: string | Record<string, unknown>, headers: Record<string, string> = {}) => {
      const json = { "content-type": "application/json", ...headers };
      const answer = await app.http.inject({ method: "POST", url: "/mutate", payload, headers: json });
      return {
        status: answer.statusCode,
        body: answer.json<Record<string, unknown>>(),
        type: answer.headers["content-type"],
      };
    },
  };
}

/** Sends one POST /mutate over TLS, trusting `authority` alone. */
function send(
  port: number,
  authority: Authority,
  agent: Agent,
  body: unknown,
): Promise<{ status: number; body: unknown; issuer: string }> {
  return new Promise((resolve, reject) => {
    const call = request(
      {
        host: "127.0.0.1",
        port,
        path: "/mutate",
        method: "POST",
        agent,
        ca: authority.certificatePem,
        headers: { "content-type": "application/json" },
      },
      (response) => {
        const issuer = (response.socket as TLSSocket).getPeerCertificate().issuer.CN;
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const text = Buffer.concat(chunks).toString("utf8");
          resolve({ status: response.statusCode ?? 0, body: JSON.parse(text), issuer: String(issuer) });
        });
      },
    );
    call.on("error", reject);
    call.end(JSON.stringify(body));
  });
}

test("the webhook answers a review over HTTPS with the patch in base64", async (t) => {
  const { app, authority } = createStage(t);
  const port = await app.listen();
  const agent = new Agent();
  t.after(() => agent.destroy());
  const { status, body } = await send(port, authority, agent, reviewOf(annotatedPod()));
  const { kind, response } = body as { kind: string; response: Record<string, unknown> };
  assert.deepEqual(
    [status, kind, response["allowed"], response["patchType"]],
    [200, "AdmissionReview", true, "JSONPatch"],
  );
  const patch = JSON.parse(Buffer.from(String(response["patch"]), "base64").toString("utf8")) as { path: string }[];
  assert.ok(patch.some(({ path }) => path === "/metadata/labels"));
});

test("the webhook presents the new certificate to new connections and keeps old connections open", async (t) => {
  const { app, authority, replaceCertificate } = createStage(t);
  const port = await app.listen();
  const [old, fresh] = [new Agent({ keepAlive: true, maxSockets: 1 }), new Agent()];
  t.after(() => [old, fresh].map((agent) => agent.destroy()));
  assert.equal((await send(port, authority, old, reviewOf(annotatedPod()))).issuer, "first");

  const second = newAuthority("second");
  replaceCertificate(second);
  assert.equal((await send(port, second, fresh, reviewOf(annotatedPod()))).issuer, "second");
  assert.equal((await send(port, authority, old, reviewOf(annotatedPod()))).issuer, "first");
  await assert.rejects(
    send(port, authority, fresh, reviewOf(annotatedPod())),
    "the old CA must not verify the new certificate",
  );
});

test("close() ends idle connections, unsubscribes from the certificate and accepts no new connection", async (t) => {
  const { app, authority, listeners } = createStage(t);
  const port = await app.listen();
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  await send(port, authority, agent, reviewOf(annotatedPod()));
  await app.close();
  assert.equal(listeners.size, 0);
  await assert.rejects(send(port, authority, agent, reviewOf(annotatedPod())));
});

test("close() answers a request in flight", async (t) => {
  const { app, authority, cluster } = createStage(t);
  const port = await app.listen();
  const agent = new Agent({ keepAlive: true });
  t.after(() => agent.destroy());
  const held = Promise.withResolvers<void>();
  cluster.watched.clear();
  cluster.answering = held.promise;
  const sent = send(port, authority, agent, reviewOf(annotatedPod()));
  while (cluster.reads.length === 0) await new Promise((resolve) => setImmediate(resolve));
  const closed = app.close();
  held.resolve();
  assert.equal((await sent).status, 200);
  await closed;
});

test("POST /mutate denies with HTTP 200, code, reason and message", async (t) => {
  const { post } = createStage(t);
  const { status, body } = await post(reviewOf(annotatedPod({ "iam.amazonaws.com/role": "payments" })));
  assert.equal(status, 200);
  const response = body["response"] as { allowed: boolean; uid: string; status: Record<string, unknown> };
  assert.deepEqual([response.allowed, response.uid], [false, "705ab4f5-6393-11e8-b7cc-42010a800002"]);
  assert.deepEqual([response.status["code"], response.status["reason"]], [403, "ROLE_FORBIDDEN"]);
});

test("POST /mutate answers a dry run like any other request", async (t) => {
  const { post } = createStage(t);
  const wet = await post(reviewOf(annotatedPod()));
  const dry = await post(reviewOf(annotatedPod(), { dryRun: true }));
  assert.deepEqual(dry.body, wet.body);
});

test("POST /mutate evaluates an expression that would stall a backtracking engine", async (t) => {
  const { post, cluster } = createStage(t);
  cluster.watched.set("shop", { ...SHOP, annotations: { "iam.amazonaws.com/permitted": "(a+)+$b" } });
  cluster.live.set("shop", cluster.watched.get("shop") ?? {});
  const { body } = await post(reviewOf(annotatedPod({ "iam.amazonaws.com/role": "a".repeat(64) })));
  const { status } = body["response"] as { status: { reason: string } };
  assert.equal(status.reason, "ROLE_FORBIDDEN");
});

const unreadable: readonly {
  readonly what: string;
  readonly payload: string;
  readonly type?: string;
  readonly status: number;
}[] = [
  { what: "invalid JSON", payload: "{", status: 400 },
  { what: "an empty body", payload: "", status: 400 },
  { what: "JSON that is not a review", payload: "{}", status: 400 },
  { what: "null", payload: "null", status: 400 },
  { what: "a prototype in JSON", payload: '{"__proto__":{"allowed":true}}', status: 400 },
  {
    what: "a review as text/plain",
    payload: JSON.stringify(reviewOf(annotatedPod())),
    type: "text/plain",
    status: 415,
  },
  { what: "a review as YAML", payload: "kind: AdmissionReview", type: "application/yaml", status: 415 },
  { what: "more elements than a pod has", payload: `[${"0,".repeat(100_000)}0]`, status: 413 },
  { what: "a body over 3 MiB", payload: JSON.stringify({ x: "x".repeat(3 * 1024 * 1024) }), status: 413 },
];

for (const { what, payload, type, status } of unreadable) {
  test(`POST /mutate answers ${what} with ${status} and JSON`, async (t) => {
    const { post, metrics } = createStage(t);
    const answer = await post(payload, type === undefined ? {} : { "content-type": type });
    assert.equal(answer.status, status);
    assert.match(String(answer.type), /^application\/json/);
    assert.equal(answer.body["code"], "REQUEST_INVALID");
    assert.match(String(answer.body["message"]), /^Cannot read /);
    assert.match(await metrics.expose(), new RegExp(`podrole_admission_unreadable_total{status="${status}"} 1`));
  });
}

test("POST /mutate accepts a body just under 3 MiB", async (t) => {
  const { post } = createStage(t);
  const { metadata, spec } = annotatedPod();
  const command = ["x".repeat(3 * 1024 * 1024 - 4_096)];
  const pod: Pod = { metadata, spec: { ...spec, containers: [{ name: "app", image: "app", command }] } };
  const { status, body } = await post(reviewOf(pod));
  assert.deepEqual([status, (body["response"] as { allowed: boolean }).allowed], [200, true]);
});

test("POST /mutate logs few of many requests that it cannot read, with the number of the others", async (t) => {
  const { post, clock, lines } = createStage(t);
  const logged = () => lines.filter(({ message }) => String(message).includes("could not read a request"));
  for (let index = 0; index < 25; index++) assert.equal((await post("{")).status, 400);
  assert.equal(logged().length, 10);
  await clock.advance(60_000);
  await post("{");
  assert.deepEqual([logged().length, logged()[10]?.["omitted"]], [11, 15]);
});

test("POST /mutate denies a review of another kind, with its own uid", async (t) => {
  const { post } = createStage(t);
  const { status, body } = await post(reviewOf({ apiVersion: "v1", kind: "Service", metadata: {} }));
  const response = body["response"] as { allowed: boolean; uid: string; status: { reason: string; code: number } };
  assert.deepEqual(
    [status, response.allowed, response.status.reason, response.status.code],
    [200, false, "REQUEST_INVALID", 400],
  );
  assert.equal(response.uid, "705ab4f5-6393-11e8-b7cc-42010a800002");
});

test("the webhook answers every other path and method with 404 PATH_UNKNOWN in JSON", async (t) => {
  const { app } = createStage(t);
  for (const [method, url] of [
    ["GET", "/mutate"],
    ["POST", "/"],
    ["GET", "/metrics"],
  ] as const) {
    const answer = await app.http.inject({ method, url });
    assert.deepEqual([answer.statusCode, answer.json<{ code: string }>().code], [404, "PATH_UNKNOWN"]);
  }
});

test("measureAdmission() and measureReads() count decisions by reason and live reads by resource", async (t) => {
  const { post, metrics } = createStage(t);
  await post(reviewOf(annotatedPod()));
  await post(reviewOf(annotatedPod({ "iam.amazonaws.com/role": "payments" })));
  const text = await metrics.expose();
  assert.match(text, /podrole_admission_total{decision="inject",reason="INJECTED"} 1/);
  assert.match(text, /podrole_admission_total{decision="refuse",reason="ROLE_FORBIDDEN"} 1/);
  assert.match(text, /podrole_admission_live_reads_total{resource="namespaces"} 1/);
  assert.match(text, /podrole_admission_duration_seconds_count 2/);
});
