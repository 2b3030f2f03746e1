import assert from "node:assert/strict";
import { test } from "node:test";
import { buildLabels } from "../../src/runtime/build-info.ts";
import { COMMON_METRICS, createMetrics, type MetricTable } from "../../src/runtime/metrics.ts";

const TABLE = {
  ...COMMON_METRICS,
  calls: { type: "counter", name: "podrole_calls_total", help: "Calls", labels: ["code"], from: ["OK", "STS_DENIED"] },
  waits: {
    type: "histogram",
    name: "podrole_waits_seconds",
    help: "Waits",
    labels: ["reason"],
    from: ["rate"],
    buckets: [1],
  },
} as const satisfies MetricTable;

test("createMetrics() exposes the initial series of a table at 0, and no others", async () => {
  const text = await createMetrics(TABLE).expose();
  for (const code of ["OK", "STS_DENIED"]) assert.ok(text.includes(`podrole_calls_total{code="${code}"} 0\n`), code);
  assert.ok(text.includes('podrole_waits_seconds_bucket{le="1",reason="rate"} 0\n'));
  assert.ok(!text.includes("STS_THROTTLED"));
  assert.ok(!text.includes("podrole_watch_age_seconds{"));
});

test("createMetrics() counts initial series up from 0", async () => {
  const metrics = createMetrics(TABLE);
  metrics.calls.inc({ code: "STS_DENIED" });
  metrics.buildInfo.set(buildLabels(), 1);
  const text = await metrics.expose();
  assert.ok(text.includes('podrole_calls_total{code="STS_DENIED"} 1\n'));
  assert.match(text, /^podrole_build_info\{version="\d+\.\d+\.\d+",node="v\d+\.\d+\.\d+"\} 1$/m);
});
