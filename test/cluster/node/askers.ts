// A load on podrole: 20 pods that ask their sidecars 50 times a second together (workload/load.ts), and new pods one after
// the other. What is done to podrole meanwhile must not fail a single request.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { app, deployment, job, load } from "./pods.ts";
import { eventually, type Namespace, Not, rolledOut } from "./suite.ts";

const PODS = 20;
/** Less than the 400 that make 50 a second: the tallies that are compared are up to a second old. */
const PERIOD_MS = 330;

interface Tally {
  readonly good: number;
  readonly slow: number;
  readonly failures: Readonly<Record<string, number>>;
}

export interface Askers {
  /** Resolves when every pod has had credentials. */
  start(): Promise<void>;
  /** Fails when a request has failed since the start; resolves with the number of those that were answered. */
  answered(): Promise<number>;
  /** Does something while all ask and new pods start; fails when a request fails or a new pod gets no role. */
  during(context: TestContext, name: string, act: () => Promise<void>): Promise<void>;
}

export function createAskers(shop: Namespace): Askers {
  async function tallies(): Promise<readonly Tally[]> {
    const lines = await shop.ok(["logs", "-l", "app=askers", "-c", "app", "--tail=1", `--max-log-requests=${PODS}`]);
    return lines.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Tally] : []));
  }

  async function answered(): Promise<number> {
    const all = await tallies();
    assert.equal(all.length, PODS);
    for (const { failures } of all) assert.deepEqual(failures, {});
    return all.reduce((total, { good }) => total + good, 0);
  }

  return {
    async start() {
      await shop.apply(deployment("askers", { role: "shop-orders", containers: [load(PERIOD_MS)] }, PODS));
      await rolledOut(shop.name, "deployment/askers");
      await eventually("every pod to have asked", async () => {
        const all = await tallies();
        return all.length === PODS && all.every(({ good }) => good > 0) ? all : new Not(JSON.stringify(all));
      });
    },
    answered,
    async during(context, name, act) {
      const [began, before] = [Date.now(), await answered()];
      const state = { isOver: false };
      const over = act().finally(() => {
        state.isOver = true;
      });
      // Awaited below; until then its failure is nobody's unhandled rejection.
      over.catch(() => {});
      let started = 0;
      for (; !state.isOver || started === 0; started++) {
        const each = `${name}-${started}`;
        await shop.apply(job(each, { role: "shop-orders", containers: [app("app", "once")] }));
        await shop.ok(["wait", `job/${each}`, "--for=condition=Complete", "--timeout=120s"]);
      }
      await over;
      const [asked, seconds] = [(await answered()) - before, (Date.now() - began) / 1000];
      const rate = (asked / seconds).toFixed(0);
      const slow = (await tallies()).reduce((total, tally) => total + tally.slow, 0);
      context.diagnostic(
        `${asked} requests in ${seconds.toFixed(0)} s (${rate}/s), none failed; ${started} new pods; ` +
          `${slow} answers since the load began took over 1 s`,
      );
      assert.ok(asked >= 5 * PODS, "the load was a load");
    },
  };
}
