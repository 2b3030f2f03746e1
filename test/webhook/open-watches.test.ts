// The webhook's caches, filled from an emulated API server over real sockets.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { NO_LIMITS } from "../../src/injection/namespace-limits.ts";
import { createShutdown } from "../../src/runtime/shutdown.ts";
import { openWatches } from "../../src/webhook/open-watches.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { createAndRead, startCluster } from "../kubernetes/harness.ts";

const APPLIED = { "kubectl.kubernetes.io/last-applied-configuration": '{"password":"hunter2"}' };

async function openShop(context: TestContext) {
  return (await openShopWithApi(context)).cluster;
}

async function openShopWithApi(context: TestContext) {
  const clock = createFakeClock();
  const { emulator, connect } = await startCluster(context, { clock });
  await createAndRead(emulator, "/api/v1/namespaces", {
    metadata: {
      name: "shop",
      labels: { "podrole.io/inject": "enabled", team: "shop" },
      annotations: { ...APPLIED, "iam.amazonaws.com/permitted": "shop-.*", "example.com/note": "x".repeat(1_000) },
      managedFields: [{ manager: "kubectl" }],
    },
  });
  await createAndRead(emulator, "/api/v1/namespaces/shop/serviceaccounts", {
    metadata: { name: "orders", annotations: { ...APPLIED, "iam.amazonaws.com/role": "shop-orders" } },
    secrets: [{ name: "orders-token" }],
  });
  const { log } = createKeptLog();
  const shutdown = createShutdown({ clock, log }, { deadlineMs: 1_000 });
  const cluster = openWatches({ clock, log, shutdown }, await connect());
  context.after(() => shutdown.stop("the test ends"));
  await cluster.ready;
  await until(() => cluster.cachedServiceAccount("shop", "orders") !== undefined, "the ServiceAccount is cached");
  const hasListed = () => Object.values(cluster.ages()).every(Number.isFinite);
  await until(hasListed, "every list is complete");
  return { cluster, emulator };
}

test("openWatches() caches only what plan() reads of a namespace and a ServiceAccount", async (context) => {
  const cluster = await openShop(context);
  assert.deepEqual(cluster.cachedNamespace("shop"), {
    metadata: {
      labels: { "podrole.io/inject": "enabled" },
      annotations: { "iam.amazonaws.com/permitted": "shop-.*" },
    },
  });
  assert.deepEqual(cluster.cachedServiceAccount("shop", "orders"), {
    metadata: { annotations: { "iam.amazonaws.com/role": "shop-orders" } },
  });
});

test("openWatches() has what limits the pods of a namespace, cached and live", async (context) => {
  const { cluster, emulator } = await openShopWithApi(context);
  assert.deepEqual(await cluster.readLimits("shop"), NO_LIMITS);
  await createAndRead(emulator, "/api/v1/namespaces/shop/limitranges", {
    metadata: { name: "sizes" },
    spec: { limits: [{ type: "Container", max: { memory: "64Mi" } }, { type: "PersistentVolumeClaim" }] },
  });
  await createAndRead(emulator, "/api/v1/namespaces/shop/resourcequotas", {
    metadata: { name: "team" },
    spec: {
      hard: { "limits.cpu": "4", pods: "10" },
      scopeSelector: { matchExpressions: [{ scopeName: "PriorityClass", operator: "In", values: ["high"] }] },
    },
  });
  const limits = {
    ranges: [
      {
        ...{ name: "sizes", type: "Container", min: {}, max: { memory: "64Mi" } },
        ...{ default: {}, defaultRequest: {}, maxLimitRequestRatio: {} },
      },
    ],
    quotas: [
      {
        ...{ name: "team", hard: { "limits.cpu": "4" }, used: {} },
        scopes: [{ name: "PriorityClass", operator: "In", values: ["high"] }],
      },
    ],
  };
  assert.deepEqual(await cluster.readLimits("shop"), limits);
  const isCached = () => cluster.cachedLimits("shop").quotas.length + cluster.cachedLimits("shop").ranges.length === 2;
  await until(isCached, "both objects are cached");
  assert.deepEqual(cluster.cachedLimits("shop"), limits);
  assert.deepEqual(cluster.cachedLimits("other"), NO_LIMITS);
});

test("openWatches() reports the age of every cache, and nothing about an object that does not exist", async (context) => {
  const cluster = await openShop(context);
  assert.deepEqual(cluster.ages(), { namespaces: 0, serviceaccounts: 0, limitranges: 0, resourcequotas: 0 });
  assert.equal(cluster.cachedNamespace("gone"), undefined);
  assert.equal(await cluster.readNamespace("gone"), undefined);
});
