// Restarts of podrole's programs under load: 20 pods ask 50 times a second together, new pods come all the time, and not
// one request for credentials may fail.
import assert from "node:assert/strict";
import { afterEach, suite, test } from "node:test";
import { diagnose, eventually, kubectl, Not, rolledOut, useNamespace } from "./suite.ts";
import { app, deployment, job, load } from "./pods.ts";

const PODS = 20;
const PERIOD_MS = 400;

interface Tally {
  readonly good: number;
  readonly slow: number;
  readonly failures: Readonly<Record<string, number>>;
}

suite("rolling restarts under load", { timeout: 900_000 }, () => {
  const shop = useNamespace("rolling");
  afterEach((context) => diagnose(context, shop.name));

  async function tallies(): Promise<readonly Tally[]> {
    const lines = await shop.ok(["logs", "-l", "app=askers", "-c", "app", "--tail=1", "--max-log-requests=30"]);
    return lines
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Tally);
  }
  const sum = (all: readonly Tally[]) => all.reduce((total, { good }) => total + good, 0);

  test(`${PODS} pods ask`, async () => {
    await shop.apply(deployment("askers", { role: "shop-orders", containers: [load(PERIOD_MS)] }, PODS));
    await rolledOut(shop.name, "deployment/askers");
    await eventually("every pod to have asked", async () => {
      const all = await tallies();
      return all.length === PODS && all.every(({ good }) => good > 0) ? all : new Not(JSON.stringify(all));
    });
  });

  for (const name of ["podrole-server", "podrole-webhook"]) {
    test(`kubectl rollout restart of ${name}: no request fails, and new pods start meanwhile`, async (context) => {
      const [began, before] = [Date.now(), sum(await tallies())];
      await kubectl.ok(["-n", "podrole", "rollout", "restart", `deployment/${name}`]);
      const rollout = { isOver: false };
      const rolled = rolledOut("podrole", `deployment/${name}`).finally(() => {
        rollout.isOver = true;
      });
      let started = 0;
      for (; !rollout.isOver; started++) {
        const each = `${name}-${started}`;
        await shop.apply(job(each, { role: "shop-orders", containers: [app("app", "once")] }));
        await shop.ok(["wait", `job/${each}`, "--for=condition=Complete", "--timeout=120s"]);
      }
      await rolled;
      const all = await tallies();
      const [asked, seconds] = [sum(all) - before, (Date.now() - began) / 1000];
      context.diagnostic(
        `${asked} requests in ${seconds.toFixed(0)} s (${(asked / seconds).toFixed(0)}/s), ${started} new pods, ` +
          `${all.reduce((total, { slow }) => total + slow, 0)} answers took over 1 s`,
      );
      assert.equal(all.length, PODS);
      for (const { failures } of all) assert.deepEqual(failures, {});
      assert.ok(asked / seconds > 25, "the load was a load");
    });
  }
});
