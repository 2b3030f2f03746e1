// AWS SDKs, unmodified, against the real webhook, server and sidecar. Each runs as `kubectl exec` would run it: with the
// environment that the webhook gave the container. What comes out must be what is expected and what results.json says.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { after, before, suite, test } from "node:test";
import { fileURLToPath } from "node:url";
import type { RunningPod } from "../../emulators/kubelet/node.ts";
import { until } from "../../emulators/stage.ts";
import { ACCOUNT, arnOf, openShop, type Shop } from "../story/shop.ts";
import { type Outcome, outcomeOf } from "./outcome.ts";
import { type Results, type Scenario, type ScenarioId, SCENARIOS } from "./scenarios.ts";
import { prepareSdks, type Sdk } from "./sdks.ts";
import { createWitness } from "./witness.ts";

const FILE = fileURLToPath(new URL("./results.json", import.meta.url));
const UPDATE = process.env["PODROLE_SDK_UPDATE"] === "true";
const PATIENCE_MS = 60_000;
const URI = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const TOKEN_FILE = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
/** Not handed out in their last 5 s, renewed after half. */
const SHORT_MS = 11_000;

const sdks = prepareSdks(process.env);
const lateRole = ({ id }: Sdk) => `shop-late-${id}`;
const REFUSED_ROLE = "shop-refused";
const outcomes = new Map<string, Record<string, Outcome>>();

const closing: (() => Promise<void>)[] = [];

let shop: Shop;
let common: RunningPod;

/** As `env CHANGES COMMAND` in the pod's app container. */
async function execute(pod: RunningPod, command: readonly string[], changes: readonly string[] = []) {
  const words = ["/usr/bin/env", ...changes, ...command];
  return pod.exec("app", words, AbortSignal.timeout(PATIENCE_MS));
}

async function call(pod: RunningPod, sdk: Sdk, changes: readonly string[] = []): Promise<Outcome> {
  const result = await execute(pod, sdk.call, changes);
  if (result.exitCode === 0) assert.match(result.output, new RegExp(`arn:aws:sts::${ACCOUNT}:assumed-role/shop-`));
  return outcomeOf(result);
}

async function run(name: string, role: string, wish: Partial<Parameters<Shop["run"]>[2]> = {}): Promise<RunningPod> {
  const annotations = { "iam.amazonaws.com/role": role, ...wish.annotations };
  const pod = await shop.run("shop", name, { ...wish, annotations });
  await shop.phase(pod, "Running");
  return pod;
}

/** How many times the pod's sidecar has handed out credentials. */
async function answered({ pod }: RunningPod): Promise<number> {
  const port = pod.spec.initContainers?.[0]?.env?.find(({ name }) => name === "PODROLE_HEALTH_PORT")?.value ?? "";
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^podrole_sidecar_requests_total\{code="OK"\} (\d+)$/m.exec(text)?.[1]);
}

/** Shuts a role's gate: who assumes it waits until the returned function is called. */
function shut(role: string): () => void {
  const { promise, resolve } = Promise.withResolvers<void>();
  shop.gates.set(arnOf(role), promise);
  return () => {
    shop.gates.delete(arnOf(role));
    resolve();
  };
}

interface Waiting {
  readonly pod: RunningPod;
  readonly open: () => void;
}

/** For each SDK a pod whose credentials have expired, its renewal waiting for the gate of its role. */
async function runDry(prefix: string): Promise<ReadonlyMap<string, Waiting>> {
  const entries = sdks.map(async (sdk) => {
    const pod = await run(`${prefix}-${sdk.id}`, lateRole(sdk));
    const open = shut(lateRole(sdk));
    await until(async () => (await shop.ask(pod)).status !== 200, `the credentials of ${lateRole(sdk)} have expired`);
    return [sdk.id, { pod, open }] as const;
  });
  return new Map(await Promise.all(entries));
}

/** There are credentials `ms` after the SDK's first request. */
async function comeLate({ pod, open }: Waiting, sdk: Sdk, ms: number): Promise<Outcome> {
  const witness = await createWitness(Number(new URL(shop.endpointOf(pod)).port));
  const outcome = call(pod, sdk, [`${URI}=http://127.0.0.1:${witness.port}/v1/credentials`]);
  await Promise.race([witness.asked, outcome]);
  setTimeout(open, ms);
  try {
    const ended = await outcome;
    assert.match(witness.sent(), /^GET \/v1\/credentials /, "nothing was asked");
    return ended;
  } finally {
    await witness.close();
    await pod.stop(1_000);
  }
}

function late(prefix: string, ms: number) {
  return async (): Promise<Act> => {
    const waiting = await runDry(prefix);
    return (sdk) => comeLate(waiting.get(sdk.id) as Waiting, sdk, ms);
  };
}

type Act = (sdk: Sdk) => Promise<Outcome>;

/** What a scenario has in common for all SDKs, then what one of them does. The last one leaves no server. */
const ACTS: Readonly<Record<ScenarioId, () => Act | Promise<Act>>> = {
  start: () => (sdk) => call(common, sdk),
  fetches: () => async (sdk) => {
    const before = await answered(common);
    const outcome = outcomeOf(await execute(common, sdk.fetch));
    const asked = (await answered(common)) - before;
    assert.ok(asked >= sdk.fetches, `${asked} requests, wanted ${sdk.fetches}: the rest came from a cache`);
    return outcome;
  },
  proxy: async () => {
    const proxy = await createWitness();
    closing.push(() => proxy.close());
    const url = `http://127.0.0.1:${proxy.port}`;
    const pod = await run("proxied", "shop-orders", { env: { HTTP_PROXY: url, http_proxy: url } });
    return async (sdk) => {
      const outcome = await call(pod, sdk);
      assert.equal(proxy.sent(), "", "something reached the proxy");
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
  held: late("held", 500),
  late: late("late", 2_000),
  refused: async () => {
    const pod = await run("refused", REFUSED_ROLE);
    shop.stage.sts.faults.set({ kind: "deny" }, { roleArn: arnOf(REFUSED_ROLE) });
    await until(async () => (await shop.ask(pod)).status === 403, "the credentials have expired");
    return (sdk) => call(pod, sdk);
  },
  "server-down": async () => {
    await shop.stage.server.stop();
    return (sdk) => call(common, sdk);
  },
};

suite("AWS SDKs", { timeout: 600_000 }, () => {
  before(async () => {
    const roles = [REFUSED_ROLE, ...sdks.map(lateRole)];
    shop = await openShop({ roles, serverFlags: ["--sts-timeout", "14s"] });
    for (const role of roles) shop.lives.set(arnOf(role), SHORT_MS);
    await shop.namespace("shop");
    common = await run("common", "shop-orders");
  });
  after(async () => {
    for (const close of closing) await close();
    await shop?.close();
  });

  for (const [id, scenario] of Object.entries(SCENARIOS) as [ScenarioId, Scenario][]) {
    suite(scenario.title, () => {
      let act: Act;
      before(async () => {
        act = await ACTS[id]();
      });
      for (const sdk of sdks) {
        const expected = scenario.except?.[sdk.id] ?? scenario.expects;
        test(`${sdk.title} ${expected}`, async (context) => {
          const outcome = await act(sdk);
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

  test("every SDK did and said what results.json holds", () => {
    const results: Results = {
      versions: Object.fromEntries(sdks.map(({ id, version }) => [id, version])),
      titles: Object.fromEntries(sdks.map(({ id, title }) => [id, title])),
      outcomes: Object.fromEntries(outcomes),
    };
    if (UPDATE) writeFileSync(FILE, `${JSON.stringify(results, null, 2)}\n`);
    const held = JSON.parse(readFileSync(FILE, "utf8")) as Results;
    assert.deepEqual(results, held, "npm run test:sdk -- --update writes what came out");
  });
});
