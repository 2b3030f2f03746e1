import assert from "node:assert/strict";
import { test } from "node:test";
import { createMetrics } from "../../../src/runtime/metrics.ts";
import type { TopNamespace } from "../../../src/server/aws/sts-usage.ts";
import { refreshGauges } from "../../../src/server/observability/gauges.ts";
import { SERVER_METRICS } from "../../../src/server/observability/metrics.ts";

test("refreshGauges() shows one namespace at a time, and none without calls", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  async function shown(topNamespace: TopNamespace | undefined): Promise<readonly string[]> {
    refreshGauges(metrics, 0, {
      isReady: true,
      listeners: {},
      cache: { size: 0, nearestExpiryMs: () => 0 },
      limiter: { waiting: () => 3, topNamespace: () => topNamespace },
      authorityNotAfter: 0,
      servingExpiresInMs: 0,
      watchAgesMs: {},
      podCertificates: { waiting: 0, oldestMs: 0 },
    });
    const lines = (await metrics.expose()).split("\n");
    assert.ok(lines.includes("podrole_sts_calls_waiting 3"));
    return lines.filter((line) => line.startsWith("podrole_sts_top_namespace_share"));
  }
  assert.deepEqual(await shown(undefined), []);
  assert.deepEqual(await shown({ namespace: "shop", share: 0.75 }), [
    'podrole_sts_top_namespace_share{caller_namespace="shop"} 0.75',
  ]);
  assert.deepEqual(await shown({ namespace: "team", share: 0.5 }), [
    'podrole_sts_top_namespace_share{caller_namespace="team"} 0.5',
  ]);
  assert.deepEqual(await shown(undefined), []);
});

test("refreshGauges() shows times in seconds from now, readiness, and each port's connections as the listener counts them", async () => {
  const metrics = createMetrics(SERVER_METRICS);
  const connections = { open: 2, opened: 7 };
  const sources = {
    isReady: false,
    listeners: { identity: { connections: () => connections } },
    cache: { size: 5, nearestExpiryMs: () => Number.POSITIVE_INFINITY },
    limiter: { waiting: () => 0, topNamespace: () => undefined },
    authorityNotAfter: 61_000,
    servingExpiresInMs: -500,
    watchAgesMs: { pods: 1_500 },
    podCertificates: { waiting: 3, oldestMs: 2_500 },
  };
  refreshGauges(metrics, 1_000, sources);
  const first = (await metrics.expose()).split("\n");
  for (const line of [
    "podrole_ready 0",
    "podrole_credential_cache_entries 5",
    "podrole_credential_nearest_expiry_seconds +Inf",
    "podrole_authority_expiry_seconds 60",
    "podrole_serving_certificate_expiry_seconds -0.5",
    'podrole_watch_age_seconds{resource="pods"} 1.5',
    "podrole_pod_certificate_requests_waiting 3",
    "podrole_pod_certificate_oldest_request_seconds 2.5",
    'podrole_connections{port="identity"} 2',
    'podrole_connections_opened_total{port="identity"} 7',
  ])
    assert.ok(first.includes(line), line);
  Object.assign(connections, { open: 0, opened: 9 });
  refreshGauges(metrics, 1_000, { ...sources, isReady: true });
  const second = (await metrics.expose()).split("\n");
  assert.ok(second.includes("podrole_ready 1"));
  assert.ok(
    second.includes('podrole_connections_opened_total{port="identity"} 9'),
    "the counter is replaced, not added to",
  );
});
