// What strangers can make the webhook's port hold, over real sockets and TLS with small limits. Everything here comes
// from one address, as it does where a proxy or the node stands between the callers and the webhook.
import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, request } from "node:https";
import { connect as connectTcp } from "node:net";
import { type TestContext, test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { type ConnectionOptions, connect } from "node:tls";
import { until } from "../../emulators/until.ts";
import { createAuthority } from "../../src/pki/certificate.ts";
import type { BudgetLimits, CloseReason } from "../../src/runtime/budget.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import type { Cidr } from "../../src/runtime/settings.ts";
import { createAdmissionHandler } from "../../src/webhook/admit.ts";
import { createWebhookApp, WEBHOOK_LIMITS } from "../../src/webhook/app.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { ON_LINUX } from "../on-linux.ts";
import { expensiveChain } from "../pki/expensive-chain.ts";
import { newLeaf } from "../pki/samples.ts";
import { recordGreeting } from "../protocol/recorded-greeting.ts";
import { annotatedPod, createFakeCluster, reviewOf } from "./requests.ts";

const LIMITS: BudgetLimits = { ...WEBHOOK_LIMITS, connections: 10, requests: 10, bytes: 2_000_000 };

interface Options {
  readonly apiServerCidrs?: readonly Cidr[];
  /** Whether the port demands a client certificate. */
  readonly verifiesClients?: boolean;
}

async function start(context: TestContext, { apiServerCidrs, verifiesClients = false }: Options = {}) {
  const clock = createFakeClock();
  const { log } = createKeptLog();
  const closed: CloseReason[] = [];
  const decided: unknown[] = [];
  const authority = createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: HOUR_MS });
  const ca = authority.certificatePem;
  const serving = newLeaf(authority, { kind: "serving", dnsNames: [], ipAddresses: ["127.0.0.1"] }, Date.now());
  const material = { certificatePem: serving.pem, privateKey: serving.key };
  const lookups = createPodContextReader({ clock, cluster: createFakeCluster() }, { timeoutMs: 3_000 });
  const app = createWebhookApp(
    {
      clock,
      log,
      admit: createAdmissionHandler({
        clock,
        log,
        audit: (line) => decided.push("request" in line && line.request),
        lookups,
        settings: () => PLAN_SETTINGS,
      }),
      tls: { current: () => material, onChange: () => () => {} },
      ...(verifiesClients && {
        callers: {
          tls: () => ({ requestCert: true, rejectUnauthorized: true, ca }),
          identify: () => "api-server",
          onChange: () => () => {},
        },
      }),
      onUnreadable: () => {},
      onClose: (reason) => closed.push(reason),
    },
    { host: "127.0.0.1", port: 0, apiServerCidrs, limits: LIMITS },
  );
  const port = await app.listen();
  const left: (() => void)[] = [];
  context.after(async () => {
    for (const leave of left) leave();
    await app.close();
  });

  /** Writes `text` over a connection that stays open. */
  async function open(text: string, options: ConnectionOptions = {}) {
    const socket = connect({ port, host: "127.0.0.1", ca, ...options }).on("error", () => {});
    left.push(() => socket.destroy());
    await once(socket, "secureConnect");
    socket.write(text);
    return socket;
  }

  /** POST /mutate with an ordinary pod; resolves with "allowed" or with the error. */
  function ask(agent: Agent): Promise<string> {
    const headers = { "content-type": "application/json" };
    return new Promise((resolve) => {
      const call = request(
        { host: "127.0.0.1", port, path: "/mutate", method: "POST", agent, ca, headers },
        (answer) => {
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.on("end", () => resolve(text.includes('"allowed":true') ? "allowed" : text));
        },
      );
      call.on("error", (error) => resolve(error.message));
      call.end(JSON.stringify(reviewOf(annotatedPod())));
    });
  }
  const agent = (options: ConstructorParameters<typeof Agent>[0] = {}) => {
    const created = new Agent(options);
    left.push(() => created.destroy());
    return created;
  };
  /** Connects and sends nothing. */
  const connectSilently = (localAddress = "127.0.0.1") => {
    const socket = connectTcp({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
    left.push(() => socket.destroy());
  };
  // The address of strangers and API server is known, so that nothing waits for the clock of the test.
  if (!verifiesClients) assert.equal(await ask(agent()), "allowed");
  return { clock, closed, decided, open, connectSilently, ask, agent, authority, port };
}

const unfinished = (length: number, sent: number) =>
  `POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n${"x".repeat(sent)}`;

test("the webhook admits pods while strangers hold every connection", async (context) => {
  const { open, ask, agent, closed, connectSilently } = await start(context);
  for (let index = 0; index < 10; index++) connectSilently();
  for (let index = 0; index < 10; index++) await open("");
  assert.equal(await ask(agent()), "allowed");
  assert.ok(closed.filter((reason) => reason === "connections").length >= 11);
});

test(
  "the webhook admits a burst of pods while many addresses hold every connection with one each",
  ON_LINUX,
  async (context) => {
    const { clock, ask, agent, closed, connectSilently } = await start(context);
    for (let address = 1; address <= 10; address++) connectSilently(`127.0.5.${address}`);
    // Its answer or end shows that the port has accepted the strangers.
    await ask(agent());
    await clock.advance(101);
    const before = closed.length;
    const answers = await Promise.all(Array.from({ length: 4 }, () => ask(agent())));
    assert.deepEqual(answers, ["allowed", "allowed", "allowed", "allowed"]);
    assert.deepEqual(closed.slice(before), Array(4).fill("connections"));
  },
);

test("the webhook admits pods while bodies that never end fill its memory, and keeps within its bytes", async (context) => {
  const { open, ask, agent, closed } = await start(context);
  const hogs = [];
  for (let index = 0; index < 8; index++) hogs.push(await open(unfinished(700_000, 600_000)));
  // Three of 600 000 bytes fit into 2 000 000.
  await until(() => closed.length === 5);
  assert.equal(await ask(agent()), "allowed");
  assert.deepEqual([...new Set(closed)], ["bytes"]);
});

test("the webhook decides no review whose caller has given up before its turn", async (context) => {
  const { open, decided } = await start(context);
  decided.length = 0;
  const connections = [];
  for (let index = 0; index < 8; index++) connections.push(await open(""));
  const review = (uid: string) => {
    const body = JSON.stringify(reviewOf(annotatedPod(), { uid }));
    return unfinished(Buffer.byteLength(body), 0) + body;
  };
  for (const [index, connection] of connections.entries()) connection.write(review(`${index}`));
  // As the API server does at its timeout.
  connections[7]?.end();
  await until(() => decided.length >= 7);
  const [first] = connections;
  first?.write(review("last"));
  await until(() => decided.includes("last"));
  assert.deepEqual(decided, ["0", "1", "2", "3", "4", "5", "6", "last"]);
});

test("the webhook counts what the parts of a body take in memory, although they have one byte each", async (context) => {
  const { open, ask, agent, closed } = await start(context);
  const head =
    "POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
  const socket = await open(head);
  const ended = new Promise((resolve) => socket.once("close", resolve));
  let sent = 0;
  for (; sent < 100_000 && !socket.destroyed; sent += 1_000) {
    await new Promise((resolve) => socket.write("1\r\n \r\n".repeat(1_000), resolve));
  }
  socket.end();
  await ended;
  // 2 000 000 bytes are less than 2900 parts; the client notices the end a little later.
  assert.deepEqual(closed, ["bytes"]);
  assert.equal(await ask(agent()), "allowed");
});

test("the webhook answers a request that follows before the end of the last response is reported, and closes a third", async (context) => {
  const { open } = await start(context);
  const body = JSON.stringify(reviewOf(annotatedPod()));
  const post = `POST /mutate HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const answers = async (count: number) => {
    const socket = await open(post.repeat(count));
    let text = "";
    socket.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    const isAnswered = () => text.split('"allowed":true').length > count;
    await until(() => isAnswered() || socket.destroyed);
    return isAnswered();
  };
  assert.deepEqual([await answers(2), await answers(3)], [true, false]);
});

test("the webhook closes a body that does not end in time", async (context) => {
  const { open, clock, closed } = await start(context);
  const socket = await open(unfinished(100, 50));
  const ended = once(socket, "close");
  await new Promise((resolve) => setTimeout(resolve, 50));
  await clock.advance(LIMITS.bodyMs + LIMITS.headersMs + LIMITS.sweepMs);
  await ended;
  assert.equal(closed.length, 1);
});

test(
  "the webhook closes no idle connection from --api-server-cidrs while there are others",
  ON_LINUX,
  async (context) => {
    const { connectSilently, ask, agent, closed } = await start(context, {
      apiServerCidrs: [{ address: "127.0.0.2", prefix: 31 }],
    });
    const apiServer = agent({ keepAlive: true, maxSockets: 1, localAddress: "127.0.0.2" });
    assert.equal(await ask(apiServer), "allowed");
    for (let index = 10; index < 30; index++) connectSilently(`127.0.0.${index}`);
    await until(() => closed.length >= 11);
    assert.equal(await ask(apiServer), "allowed");
  },
);

test("the webhook keeps the connection of a verified client certificate while strangers of the same address hold all others", async (context) => {
  const { connectSilently, ask, agent, closed, authority } = await start(context, { verifiesClients: true });
  const { pem, key } = newLeaf(authority, { kind: "pod", uri: "spiffe://cluster.local/ns/a/sa/b/pod/c/d" }, Date.now());
  const apiServer = agent({ keepAlive: true, maxSockets: 1, cert: pem, key: key.reveal() });
  assert.equal(await ask(apiServer), "allowed");
  const [connection] = Object.values(apiServer.freeSockets).flat();
  for (let index = 0; index < 20; index++) connectSilently();
  await until(() => closed.length === 11);
  assert.equal(await ask(apiServer), "allowed");
  assert.equal(connection?.destroyed, false);
});

test("the webhook closes the connection of a client that presents a long chain of certificates, before it verifies them", async (context) => {
  const { ask, agent, closed, authority, port } = await start(context, { verifiesClients: true });
  const stranger = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...expensiveChain(16) });
  context.after(() => stranger.destroy());
  await once(
    stranger.on("error", () => {}),
    "close",
  );
  assert.deepEqual(closed, ["handshakes"]);
  const { pem, key } = newLeaf(authority, { kind: "pod", uri: "spiffe://cluster.local/ns/a/sa/b/pod/c/d" }, Date.now());
  assert.equal(await ask(agent({ cert: pem, key: key.reveal() })), "allowed");
});

test(
  "the webhook lets an address wait whose handshakes never end in a review, and no other, nor one that has sent a review",
  ON_LINUX,
  async (context) => {
    const { ask, agent, port } = await start(context);
    const greeting = await recordGreeting("X25519");
    /** Resolves with whether the port answers the beginning of a handshake before the clock of the test moves. */
    const greet = async (localAddress: string) => {
      const socket = connectTcp({ port, host: "127.0.0.1", localAddress }).on("error", () => {});
      socket.write(greeting);
      const answered = once(socket, "data").then(() => true);
      const isAnswered = await Promise.race([answered, delay(1_000, false, { ref: false })]);
      socket.resetAndDestroy();
      return isAnswered;
    };
    let count = 0;
    while (await greet("127.0.0.2")) assert.ok(++count < 200, "200 handshakes without a review were answered at once");
    assert.equal(await ask(agent({ localAddress: "127.0.0.3" })), "allowed");
    for (let each = 0; each < 2 * count; each++) assert.equal(await greet("127.0.0.1"), true);
    assert.equal(await ask(agent()), "allowed");
  },
);
