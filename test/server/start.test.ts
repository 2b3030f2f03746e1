// The server as a whole, started in this process against an emulated API server: its first log lines.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { startSts } from "../../emulators/cluster.ts";
import { createKubernetesEmulator } from "../../emulators/kubernetes/emulator.ts";
import { until } from "../../emulators/until.ts";
import { type Clock, systemClock as clock, sleep } from "../../src/runtime/clock.ts";
import { readSettings } from "../../src/runtime/settings.ts";
import { createShutdown } from "../../src/runtime/shutdown.ts";
import { startServer } from "../../src/server/main.ts";
import { SERVER_SETTINGS } from "../../src/settings/server.ts";
import { createKeptLog } from "../fakes/log.ts";
import { bindLoopback, listenOnLoopback, relayTo } from "../loopback.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { withEnvironment } from "./environment.ts";

const STS = { region: "eu-central-1", accountId: "123456789012", roles: [] };

async function start(
  context: TestContext,
  env: Readonly<Record<string, string>>,
  stsUrl: string,
  binds: Readonly<Partial<Record<"bind" | "identityBind", string>>> = {},
  way: (kubeconfig: string) => Promise<string> = async (kubeconfig) => kubeconfig,
  serverClock: Clock = clock,
) {
  withEnvironment(context, env);
  const directory = createTemporaryDirectory(context);
  const kubernetes = createKubernetesEmulator({ clock });
  await kubernetes.listen();
  await kubernetes.create("/api/v1/namespaces", { metadata: { name: "podrole" } });
  const kubeconfig = join(directory, "kubeconfig");
  writeFileSync(kubeconfig, await way(kubernetes.kubeconfig()));
  const anyPort = "127.0.0.1:0";
  const flags = {
    bind: anyPort,
    identityBind: anyPort,
    pagesBind: anyPort,
    stateBind: anyPort,
    kubeconfig,
    region: STS.region,
    stsEndpoint: stsUrl,
    allowInsecureStsEndpoint: "true",
    ...binds,
  };
  const read = readSettings(SERVER_SETTINGS, flags, {});
  assert.ok(read.ok);
  const { log, lines } = createKeptLog();
  const shutdown = createShutdown({ clock, log }, { deadlineMs: 5_000 });
  context.after(async () => {
    await shutdown.stop("end of test");
    await kubernetes.close();
  });
  const starting = startServer({ clock: serverClock, log, audit: () => {}, shutdown }, read.value);
  return { starting, lines, shutdown };
}

test("startServer() logs tried and accepted sources when it has no AWS credentials, and serves nevertheless", async (context) => {
  const { sts } = await startSts({ clock }, STS);
  context.after(() => sts.close());
  const { starting, lines } = await start(context, {}, sts.url);
  const ports = await starting;
  const warning = () => lines.find(({ message }) => /cannot assume roles yet/.test(String(message)));
  await until(() => warning() !== undefined, "a line about the credentials");
  const text = JSON.stringify(warning());
  assert.match(text, /none was found/);
  assert.match(
    text,
    /tried: .*environment.*; expected one of.*AWS_ACCESS_KEY_ID.*credential_process.*IRSA.*EKS Pod Identity/,
  );
  assert.equal((await fetch(`http://127.0.0.1:${ports.pages}/healthz`)).status, 200);
  assert.deepEqual(sts.calls.list(), []);
  const page = async (path: string) => (await fetch(`http://127.0.0.1:${ports.pages}${path}`)).text();
  while (!/"ready":true.*"degraded":\["Cannot call STS: the server's own AWS credentials: /.test(await page("/readyz")))
    await sleep(clock, 20);
  assert.match(await page("/metrics"), /^podrole_ready 0$/m);
});

test("startServer() logs its ARN when it has credentials", async (context) => {
  const { sts, serverEnv } = await startSts({ clock }, STS);
  context.after(() => sts.close());
  const { starting, lines } = await start(context, serverEnv, sts.url);
  await starting;
  await until(() => lines.some(({ callerArn }) => callerArn !== undefined), "a line with the server's ARN");
  const line = lines.find(({ callerArn }) => callerArn !== undefined);
  assert.equal(line?.["callerArn"], "arn:aws:iam::123456789012:user/podrole-server");
});

/** Binds a port of the loopback interface; rejects if it is in use. */
async function occupy(
  context: TestContext,
  port = 0,
): Promise<{ readonly port: number; readonly free: () => Promise<void> }> {
  const server = createServer();
  const free = () => new Promise<void>((resolve) => void server.close(() => resolve()));
  context.after(free);
  return { port: await bindLoopback(server, port), free };
}

test("startServer() leaves no port open when the credentials port cannot be bound", async (context) => {
  const { sts, serverEnv } = await startSts({ clock }, STS);
  context.after(() => sts.close());
  const taken = await occupy(context);
  const { port: identityPort, free } = await occupy(context);
  await free();
  const binds = { bind: `127.0.0.1:${taken.port}`, identityBind: `127.0.0.1:${identityPort}` };
  const { starting, shutdown } = await start(context, serverEnv, sts.url, binds);
  await assert.rejects(starting);
  await shutdown.stop("failed to start");
  await assert.doesNotReject(occupy(context, identityPort));
});

/** Puts a relay, which counts open connections, before the API server of a kubeconfig. */
async function relayed(context: TestContext, kubeconfig: string) {
  const port = Number(/server"?: "?https:\/\/127\.0\.0\.1:(\d+)/.exec(kubeconfig)?.[1]);
  const counts = { open: 0 };
  const relay = createServer((socket) => {
    counts.open += 1;
    socket.on("close", () => {
      counts.open -= 1;
    });
    relayTo(port, socket);
  });
  const relayPort = await listenOnLoopback(context, relay);
  return { counts, kubeconfig: kubeconfig.replace(`127.0.0.1:${port}`, `127.0.0.1:${relayPort}`) };
}

test("startServer() closes its connections to the API server when it stops", async (context) => {
  const { sts, serverEnv } = await startSts({ clock }, STS);
  context.after(() => sts.close());
  let counts = { open: 0 };
  const { starting, shutdown } = await start(context, serverEnv, sts.url, {}, async (kubeconfig) => {
    const relay = await relayed(context, kubeconfig);
    counts = relay.counts;
    return relay.kubeconfig;
  });
  await starting;
  await until(() => counts.open > 0, "a connection to the API server");
  await shutdown.stop("end of test");
  // Whatever was closed by now has arrived at the relay when later connections have.
  const { port } = await occupy(context);
  for (let trip = 0; trip < 5; trip++) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.destroy();
    await once(socket, "close");
  }
  assert.equal(counts.open, 0);
});

test("startServer() is not ready while its serving certificate is expired, after a suspension", async (context) => {
  const { sts, serverEnv } = await startSts({ clock }, STS);
  context.after(() => sts.close());
  let suspendedMs = 0;
  const suspendable: Clock = { ...clock, now: () => clock.now() + suspendedMs };
  const { starting } = await start(context, serverEnv, sts.url, {}, undefined, suspendable);
  const { pages } = await starting;
  const page = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${pages}${path}`);
    return { status: response.status, text: await response.text() };
  };
  while ((await page("/readyz")).status !== 200) await sleep(clock, 20);
  suspendedMs = 2 * 3_600_000;
  const { status, text } = await page("/readyz");
  assert.equal(status, 503);
  assert.match(text, /serving certificate has expired/);
  while (!/^podrole_ready 0$/m.test((await page("/metrics")).text)) await sleep(clock, 20);
  assert.match((await page("/metrics")).text, /^podrole_serving_certificate_expiry_seconds -3\d{3}/m);
});
