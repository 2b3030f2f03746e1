// Load on podrole: client pods that send requests to their sidecars all the time (workload/load.ts), usually 20 pods
// with 50 requests a second in total, while new pods start one after the other. Whatever a test does to podrole
// meanwhile, no request may fail.
import assert from "node:assert/strict";
import type { TestContext } from "node:test";
import { appContainer, deploymentManifest, jobManifest, loadContainer, type PodShape } from "./pods.ts";
import { Not, rolledOut, type SuiteNamespace, untilSuccess } from "./suite.ts";

/** Below the 400 ms that give 50 requests a second, because the compared tallies are up to a second old. */
const PERIOD_MS = 330;

/** Pods that start at once. More would delay each other on two cores, until their sidecars' hooks give up. */
const AT_ONCE = 10;

interface Tally {
  readonly good: number;
  readonly slow: number;
  readonly failures: Readonly<Record<string, number>>;
}

export interface Clients {
  /** Resolves when every client pod has received credentials. */
  start(): Promise<void>;
  /** Resolves with the uids of the client pods. */
  uids(): Promise<readonly string[]>;
  /** Resolves with the number of successful requests; fails if any request has failed since the start. */
  answered(): Promise<number>;
  /**
   * Runs `act` while all clients send requests and new pods start; fails if a request fails or a new pod gets no role.
   */
  during(context: TestContext, name: string, act: () => Promise<void>): Promise<void>;
}

/** What differs from 20 pods with 50 requests a second. */
export interface ClientOptions {
  /** Of the client pods, and of the new pods. */
  readonly role?: string;
  readonly pods?: number;
  /** Between two requests of a pod. */
  readonly periodMs?: number;
  /** Additional fields of the client pods' container and spec. */
  readonly container?: PodShape["spec"];
  readonly spec?: PodShape["spec"];
}

/** Creates the load; start() begins it. */
export function createClients(
  shop: SuiteNamespace,
  { role = "shop-orders", pods = 20, periodMs = PERIOD_MS, container = {}, spec = {} }: ClientOptions = {},
): Clients {
  async function tallies(): Promise<readonly Tally[]> {
    const lines = await shop.ok(["logs", "-l", "app=clients", "-c", "app", "--tail=1", `--max-log-requests=${pods}`]);
    return lines.split("\n").flatMap((line) => (line.startsWith("{") ? [JSON.parse(line) as Tally] : []));
  }

  async function answered(): Promise<number> {
    const all = await tallies();
    assert.equal(all.length, pods);
    for (const { failures } of all) assert.deepEqual(failures, {});
    return all.reduce((total, { good }) => total + good, 0);
  }

  return {
    async start() {
      const containers = [{ ...loadContainer(periodMs), ...container }];
      for (let started = 0; started < pods; ) {
        started = Math.min(started + AT_ONCE, pods);
        await shop.apply(deploymentManifest("clients", { role, containers, spec }, started));
        await rolledOut(shop.name, "deployment/clients");
      }
      await untilSuccess("a successful request of every client", async () => {
        const all = await tallies();
        return all.length === pods && all.every(({ good }) => good > 0) ? all : new Not(JSON.stringify(all));
      });
    },
    async uids() {
      const uids = await shop.ok(["get", "pods", "-l", "app=clients", "-o", "jsonpath={.items[*].metadata.uid}"]);
      return uids.split(" ");
    },
    answered,
    async during(context, name, act) {
      const [began, before] = [Date.now(), await answered()];
      const state = { isDone: false };
      const done = act().finally(() => {
        state.isDone = true;
      });
      // Awaited below; until then a failure must not count as an unhandled rejection.
      done.catch(() => {});
      let started = 0;
      for (; !state.isDone || started === 0; started++) {
        const each = `${name}-${started}`;
        await shop.apply(jobManifest(each, { role, containers: [appContainer("app", "once")] }));
        await shop.ok(["wait", `job/${each}`, "--for=condition=Complete", "--timeout=120s"]);
      }
      await done;
      const [requests, seconds] = [(await answered()) - before, (Date.now() - began) / 1000];
      const rate = (requests / seconds).toFixed(0);
      const slow = (await tallies()).reduce((total, tally) => total + tally.slow, 0);
      context.diagnostic(
        `${requests} requests in ${seconds.toFixed(0)} s (${rate}/s), none failed; ${started} new pods; ` +
          `${slow} answers since the load began took over 1 s`,
      );
      assert.ok(requests >= 5 * pods, `expected at least ${5 * pods} requests, sent ${requests}`);
    },
  };
}
