// Runs unmodified AWS SDKs against the real webhook, server and sidecar. Each SDK runs as with `kubectl exec`, in the
// environment that the webhook gave the container. The outcomes must match the scenarios and results.json.
import assert from "node:assert/strict";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, suite, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import type { RunningPod } from "../../emulators/kubelet/node.ts";
import { until } from "../../emulators/until.ts";
import { arnOf, openShop, SHOP_ACCOUNT, type Shop } from "../story/shop.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { createRecordingProxy } from "./recording-proxy.ts";
import { SCENARIOS, type Scenario, type ScenarioId, type SdkResults } from "./scenarios.ts";
import { prepareSdks, type Sdk } from "./sdks.ts";

const FILE = fileURLToPath(new URL("./results.json", import.meta.url));
const UPDATE = process.env["PODROLE_SDK_UPDATE"] === "true";
const TIMEOUT_MS = 60_000;
const URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/** Session lifetime: the sidecar renews after half of it and does not return credentials in their last 5 s. */
const SHORT_MS = 11_000;

const sdks = prepareSdks(process.env);
const lateRole = ({ id }: Sdk) => `shop-late-${id}`;
const REFUSED_ROLE = "shop-refused";
const outcomes = new Map<string, Record<string, Outcome>>();
const restartedPods = new Map<string, RestartedPod>();

const cleanups: (() => Promise<void>)[] = [];

let shop: Shop;
let common: RunningPod;

/** Runs `env CHANGES COMMAND` in the pod's app container. */
async function execute(pod: RunningPod, command: readonly string[], changes: readonly string[] = []) {
  const args = ["/usr/bin/env", ...changes, ...command];
  return pod.exec("app", args, AbortSignal.timeout(TIMEOUT_MS));
}

async function call(pod: RunningPod, sdk: Sdk, changes: readonly string[] = []): Promise<Outcome> {
  const result = await execute(pod, sdk.call, changes);
  if (result.exitCode === 0) assert.ok(isSignedByPod(result.output), result.output);
  return outcomeOf(result);
}

/** The call printed the ARN of a role of the shop, or the access key of a session that STS issued for one. */
function isSignedByPod(output: string): boolean {
  if (output.includes(`arn:aws:sts::${SHOP_ACCOUNT}:assumed-role/shop-`)) return true;
  const [, key = ""] = /"accessKeyId": "(\w+)"/.exec(output) ?? [];
  const session = shop.cluster.sts.calls.assumed().find(({ accessKeyId }) => accessKeyId === key);
  return session?.roleArn?.startsWith(arnOf("shop-")) === true;
}

async function run(name: string, role: string, options: Partial<Parameters<Shop["run"]>[2]> = {}): Promise<RunningPod> {
  const annotations = { "iam.amazonaws.com/role": role, ...options.annotations };
  const pod = await shop.run("shop", name, { ...options, annotations });
  await shop.phase(pod, "Running");
  return pod;
}

/** Resolves with the number of requests to which the pod's sidecar has returned credentials. */
async function answered({ pod }: RunningPod): Promise<number> {
  const port = pod.spec.initContainers?.[0]?.env?.find(({ name }) => name === "PODROLE_HEALTH_PORT")?.value ?? "";
  // The page of a moment ago is returned for 250 ms.
  await delay(300);
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^podrole_sidecar_requests_total\{code="OK"\} (\d+)$/m.exec(text)?.[1]);
}

/**
 * Delays every AssumeRole call for a role until the returned function is called. Sessions are long from then on: the
 * call that was delayed may have been given up, and the sidecar gets what it left behind with its next one.
 */
function delayRole(role: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  shop.gates.set(arnOf(role), promise);
  return () => {
    shop.lifetimes.set(arnOf(role), 10 * SHORT_MS);
    shop.gates.delete(arnOf(role));
    resolve();
  };
}

interface WaitingPod {
  readonly pod: RunningPod;
  /** Lets the pod's renewal continue. */
  readonly release: () => void;
}

/** Starts a pod for each SDK and waits until its credentials have expired; AssumeRole for its role is delayed. */
async function startExpired(prefix: string): Promise<ReadonlyMap<string, WaitingPod>> {
  const entries = sdks.map(async (sdk) => {
    shop.lifetimes.set(arnOf(lateRole(sdk)), SHORT_MS);
    const pod = await run(`${prefix}-${sdk.id}`, lateRole(sdk));
    const release = delayRole(lateRole(sdk));
    await until(
      async () => (await shop.requestCredentials(pod)).status !== 200,
      `the credentials of ${lateRole(sdk)} have expired`,
    );
    return [sdk.id, { pod, release }] as const;
  });
  return new Map(await Promise.all(entries));
}

/** Calls the SDK and makes credentials available `ms` after its first request. */
async function callWithDelay({ pod, release }: WaitingPod, sdk: Sdk, ms: number): Promise<Outcome> {
  const proxy = await createRecordingProxy(Number(new URL(shop.endpointOf(pod)).port));
  const outcome = call(pod, sdk, [`${URI}=http://127.0.0.1:${proxy.port}/v1/credentials`]);
  await Promise.race([proxy.received, outcome]);
  setTimeout(release, ms);
  try {
    const result = await outcome;
    assert.match(proxy.sent(), /^GET \/v1\/credentials /, "the SDK sent no request");
    return result;
  } finally {
    await proxy.close();
    await pod.stop(1_000);
  }
}

function delayed(prefix: string, ms: number) {
  return async (): Promise<Step> => {
    const waiting = await startExpired(prefix);
    return (sdk) => callWithDelay(waiting.get(sdk.id) as WaitingPod, sdk, ms);
  };
}

interface RestartedPod {
  readonly pod: RunningPod;
  /** The app's token before the restart. */
  readonly earlier: string;
  /** What the SDK's `again` ended with: one call before the restart, one after it. */
  readonly outcome: Outcome;
}

/** The file as the app container sees it. */
async function readToken(pod: RunningPod): Promise<string> {
  return (await pod.exec("app", ["/bin/sh", "-c", `cat "$${TOKEN_FILE}"`], AbortSignal.timeout(TIMEOUT_MS))).output;
}

/** Starts a pod for the SDK, kills its sidecar between the SDK's two calls, and waits until the next one is ready. */
async function restart(sdk: Sdk): Promise<RestartedPod> {
  // A short session, so that SDKs refresh it before each call.
  shop.lifetimes.set(arnOf(lateRole(sdk)), SHORT_MS);
  const pod = await run(`restarted-${sdk.id}`, lateRole(sdk));
  const [file, earlier] = [join(shop.cluster.directory, `again-${sdk.id}`), await readToken(pod)];
  const result = execute(pod, sdk.again, [`AGAIN_FILE=${file}`]);
  await Promise.race([until(() => existsSync(file), `the first call of ${sdk.title}`), result]);
  pod.kill("podrole-sidecar");
  await until(
    async () => (await shop.requestCredentials(pod).catch(() => undefined))?.status === 200,
    "credentials after the restart",
  );
  assert.notEqual(await readToken(pod), earlier);
  const before = await answered(pod);
  rmSync(file, { force: true });
  const outcome = outcomeOf(await result);
  if (outcome.outcome === "works") assert.ok((await answered(pod)) > before, "the SDK did not refresh");
  return { pod, earlier, outcome };
}

/** Calls the SDK with the earlier token in its token file, which holds the current one after the first request. */
async function callWithEarlierToken({ pod, earlier }: RestartedPod, sdk: Sdk): Promise<Outcome> {
  const [file, current] = [join(shop.cluster.directory, `token-${sdk.id}`), await readToken(pod)];
  writeFileSync(file, earlier);
  const proxy = await createRecordingProxy(Number(new URL(shop.endpointOf(pod)).port));
  const endpoint = `${URI}=http://127.0.0.1:${proxy.port}/v1/credentials`;
  const outcome = call(pod, sdk, [endpoint, `${TOKEN_FILE}=${file}`]);
  await Promise.race([proxy.received, outcome]);
  writeFileSync(file, current);
  try {
    return await outcome;
  } finally {
    await proxy.close();
  }
}

type Step = (sdk: Sdk) => Promise<Outcome>;

/** Prepares a scenario for all SDKs and returns the step for one of them. The last scenario stops the server. */
const PREPARATIONS: Readonly<Record<ScenarioId, () => Step | Promise<Step>>> = {
  start: () => (sdk) => call(common, sdk),
  fetches: () => async (sdk) => {
    const before = await answered(common);
    const outcome = outcomeOf(await execute(common, sdk.fetch));
    const requests = (await answered(common)) - before;
    assert.ok(requests >= sdk.fetches, `${requests} requests, expected ${sdk.fetches}: a cache answered the rest`);
    return outcome;
  },
  proxy: async () => {
    const proxy = await createRecordingProxy();
    cleanups.push(() => proxy.close());
    const url = `http://127.0.0.1:${proxy.port}`;
    const pod = await run("proxied", "shop-orders", { env: { HTTP_PROXY: url, http_proxy: url } });
    return async (sdk) => {
      const outcome = await call(pod, sdk);
      assert.equal(proxy.sent(), "", "the proxy received data");
      return outcome;
    };
  },
  metadata: async () => {
    const pod = await run("old", "shop-orders", { annotations: { "podrole.io/metadata": "enabled" } });
    return (sdk) => call(pod, sdk, ["-u", URI, "-u", TOKEN_FILE]);
  },
  "wrong-token": () => (sdk) =>
    call(common, sdk, [`${TOKEN_FILE}=${fileURLToPath(new URL("wrong-token", import.meta.url))}`]),
  "no-token": () => (sdk) => call(common, sdk, [`${TOKEN_FILE}=/nowhere/token`]),
  held: delayed("held", 500),
  late: delayed("late", 2_000),
  refused: async () => {
    const pod = await run("refused", REFUSED_ROLE);
    shop.cluster.sts.faults.set({ kind: "deny" }, { roleArn: arnOf(REFUSED_ROLE) });
    await until(async () => (await shop.requestCredentials(pod)).status === 403, "the credentials have expired");
    return (sdk) => call(pod, sdk);
  },
  restarted: () => async (sdk) => {
    const restarted = await restart(sdk);
    restartedPods.set(sdk.id, restarted);
    return restarted.outcome;
  },
  crossing: () => async (sdk) => {
    const restarted = restartedPods.get(sdk.id) as RestartedPod;
    const outcome = await callWithEarlierToken(restarted, sdk);
    await restarted.pod.stop(1_000);
    return outcome;
  },
  "server-down": async () => {
    await shop.cluster.server.stop();
    return (sdk) => call(common, sdk);
  },
};

suite("AWS SDKs", { timeout: sdks.length > 5 ? 1_800_000 : 600_000 }, () => {
  before(async () => {
    const roles = [REFUSED_ROLE, ...sdks.map(lateRole)];
    shop = await openShop({ roles, serverFlags: ["--sts-timeout", "14s"] });
    shop.lifetimes.set(arnOf(REFUSED_ROLE), SHORT_MS);
    await shop.namespace("shop");
    common = await run("common", "shop-orders");
  });
  after(async () => {
    for (const cleanUp of cleanups) await cleanUp();
    await shop?.close();
  });

  for (const [id, scenario] of Object.entries(SCENARIOS) as [ScenarioId, Scenario][]) {
    suite(scenario.title, () => {
      let step: Step;
      before(async () => {
        step = await PREPARATIONS[id]();
      });
      for (const sdk of sdks.filter((each) => scenario.notRun?.[each.id] === undefined)) {
        const expected = scenario.except?.[sdk.id] ?? scenario.expects;
        test(`${sdk.title} ${expected}`, async (context) => {
          const outcome = await step(sdk);
          if (outcome.reads !== undefined) context.diagnostic(outcome.reads);
          outcomes.set(id, { ...outcomes.get(id), [sdk.id]: outcome });
          assert.equal(outcome.outcome, expected, outcome.reads ?? "");
          if (scenario.code === undefined) return;
          const isShown = outcome.reads?.includes(scenario.code.code) === true;
          assert.equal(isShown, scenario.code.shownBy.includes(sdk.id), outcome.reads ?? "");
        });
      }
    });
  }

  test("results.json contains the outcome and message of every SDK", () => {
    const recorded = JSON.parse(readFileSync(FILE, "utf8")) as SdkResults;
    const results: SdkResults = {
      versions: { ...recorded.versions, ...Object.fromEntries(sdks.map(({ id, version }) => [id, version])) },
      titles: { ...recorded.titles, ...Object.fromEntries(sdks.map(({ id, title }) => [id, title])) },
      outcomes: {
        ...recorded.outcomes,
        ...Object.fromEntries(
          [...outcomes].map(([scenario, found]) => [scenario, { ...recorded.outcomes[scenario], ...found }]),
        ),
      },
    };
    if (UPDATE) writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
    else assert.deepEqual(results, recorded, "npm run test:sdk -- --update writes the new results");
  });
});
