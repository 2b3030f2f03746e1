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
      servingNotAfter: 0,
      watchAgesMs: {},
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
