// The decorators around fakes of the use cases: what Prometheus sees of successes and failures, and that results pass
// through.
import assert from "node:assert/strict";
import { test } from "node:test";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { createMetrics } from "../../../src/runtime/metrics.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import type { CredentialCache } from "../../../src/server/aws/credential-cache.ts";
import type { SessionCredentials } from "../../../src/server/aws/sts.ts";
import type { IssueResult } from "../../../src/server/issue/issue-credentials.ts";
import {
  measureCache,
  measureCertificates,
  measureCredentials,
  measureSts,
} from "../../../src/server/observability/measure.ts";
import { SERVER_METRICS } from "../../../src/server/observability/metrics.ts";

const INPUT = { roleArn: "arn:aws:iam::123456789012:role/orders", sessionName: "web", durationSeconds: 900 };
const SESSION: SessionCredentials = {
  accessKeyId: "ASIA",
  secretAccessKey: new Secret("key"),
  sessionToken: new Secret("token"),
  issuedAtMs: 0,
  expiresAtMs: 1,
};
const POD = { trustDomain: "cluster.local", namespace: "shop", name: "web", uid: "u-1", serviceAccount: "default" };
const THROTTLED = new PodroleError("STS_THROTTLED", "Cannot assume role: too many calls");

/** Returns the value of a series, such as `podrole_sts_calls_total{code="OK"}`; undefined if there is none. */
async function valueOf(metrics: ReturnType<typeof createMetrics<typeof SERVER_METRICS>>, series: string) {
  const line = (await metrics.expose()).split("\n").find((each) => each.startsWith(`${series} `));
  return line && Number(line.slice(series.length));
}

test("measureSts() counts OK and the error code, times both, and returns what STS returned", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  assert.equal(await measureSts(async () => SESSION, metrics)(INPUT), SESSION);
  await assert.rejects(measureSts(() => Promise.reject(THROTTLED), metrics)(INPUT), (error) => error === THROTTLED);
  assert.equal(await valueOf(metrics, 'podrole_sts_calls_total{code="OK"}'), 1);
  assert.equal(await valueOf(metrics, 'podrole_sts_calls_total{code="STS_THROTTLED"}'), 1);
  assert.equal(await valueOf(metrics, "podrole_sts_duration_seconds_count"), 2);
});

test("measureSts() counts a call as in flight until STS answers, also when it fails", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  const answer = Promise.withResolvers<SessionCredentials>();
  const call = measureSts(() => answer.promise, metrics)(INPUT);
  assert.equal(await valueOf(metrics, "podrole_sts_calls_in_flight"), 1);
  answer.reject(new TypeError("socket closed"));
  await assert.rejects(call, TypeError);
  assert.equal(await valueOf(metrics, "podrole_sts_calls_in_flight"), 0);
  assert.equal(await valueOf(metrics, 'podrole_sts_calls_total{code="INTERNAL"}'), 1);
});

test("measureCache() counts the outcome of a look-up, failed for a rejection, and nothing for a prefetch", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  const prefetched: unknown[] = [];
  const requestingPod = { namespace: "shop", uid: "u-1", circumstances: "" };
  const withAnswer = (get: CredentialCache["get"]) =>
    measureCache(
      { get, prefetch: (...call: unknown[]) => prefetched.push(call) } as unknown as CredentialCache,
      metrics,
    );
  const answer = { credentials: SESSION, remainingMs: 1, outcome: "stale" } as const;
  const cache = withAnswer(async () => answer);
  assert.equal(await cache.get(INPUT, requestingPod), answer);
  await cache.prefetch(INPUT, requestingPod);
  await assert.rejects(withAnswer(() => Promise.reject(THROTTLED)).get(INPUT, requestingPod), {
    code: "STS_THROTTLED",
  });
  assert.equal(await valueOf(metrics, 'podrole_credential_cache_total{outcome="stale"}'), 1);
  assert.equal(await valueOf(metrics, 'podrole_credential_cache_total{outcome="failed"}'), 1);
  assert.equal(await valueOf(metrics, 'podrole_credential_cache_total{outcome="hit"}'), 0);
  assert.deepEqual(prefetched, [[INPUT, requestingPod]]);
});

test("measureCertificates() counts ISSUED and the error code, and times both", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  const request = [new Secret("proof"), new Uint8Array(), "peer"] as const;
  const issued = { certificatePem: "pem", bundlePem: "" } as never;
  assert.equal(await measureCertificates(async () => issued, metrics)(...request), issued);
  const rejected = new PodroleError("PROOF_REJECTED", "Cannot accept the token");
  await assert.rejects(measureCertificates(() => Promise.reject(rejected), metrics)(...request), {
    code: "PROOF_REJECTED",
  });
  assert.equal(await valueOf(metrics, 'podrole_certificates_total{code="ISSUED"}'), 1);
  assert.equal(await valueOf(metrics, 'podrole_certificates_total{code="PROOF_REJECTED"}'), 1);
  assert.equal(await valueOf(metrics, "podrole_certificate_duration_seconds_count"), 2);
});

test("measureCredentials() counts each container, and a refused pod once", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  const grants = [
    { container: "app", credentials: SESSION, role: {} },
    { container: "job", refusal: { code: "ROLE_FORBIDDEN", message: "Cannot" } },
    { container: "log", refusal: { code: "ROLE_FORBIDDEN", message: "Cannot" } },
  ] as unknown as readonly IssueResult[];
  const issuerOf = (issue: () => Promise<readonly IssueResult[]>) =>
    measureCredentials({ issue, async prefetch() {} }, metrics);
  assert.equal(await issuerOf(async () => grants).issue(POD, ["app", "job", "log"], "peer"), grants);
  const unknown = new PodroleError("POD_UNKNOWN", "Cannot identify the pod");
  await assert.rejects(issuerOf(() => Promise.reject(unknown)).issue(POD, ["app", "job"], "peer"), {
    code: "POD_UNKNOWN",
  });
  assert.equal(await valueOf(metrics, 'podrole_credentials_total{code="ISSUED"}'), 1);
  assert.equal(await valueOf(metrics, 'podrole_credentials_total{code="ROLE_FORBIDDEN"}'), 2);
  assert.equal(await valueOf(metrics, 'podrole_credentials_total{code="POD_UNKNOWN"}'), 1);
  assert.equal(await valueOf(metrics, "podrole_credentials_duration_seconds_count"), 2);
});
