// The end of a client's connections, counted on a proxy in front of the API server.
import assert from "node:assert/strict";
import { createServer, type Socket } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { createKubernetes } from "../../src/kubernetes/client.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { listenOnLoopback, relayTo } from "../loopback.ts";
import { writeTemporaryFile } from "../temporary-files.ts";
import { startCluster } from "./harness.ts";

/** A client whose connections to the emulated API server are in `open`. */
async function setUp(t: TestContext) {
  const { emulator } = await startCluster(t);
  const clock = createFakeClock();
  const open = new Set<Socket>();
  const [, host = "", port = ""] = /https:\/\/(127\.0\.0\.1):(\d+)/.exec(emulator.kubeconfig()) ?? [];
  const proxy = createServer((socket) => {
    open.add(socket.on("close", () => open.delete(socket)));
    relayTo(Number(port), socket);
  });
  const address = `${host}:${await listenOnLoopback(t, proxy)}`;
  const content = emulator.kubeconfig().replaceAll(`${host}:${port}`, address);
  const kubeconfigPath = writeTemporaryFile(t, "kubeconfig", content);
  const kubernetes = createKubernetes({ kubeconfigPath, clock });
  t.after(() => kubernetes.close());
  return { emulator, clock, kubernetes, open };
}

/** Opens a watch; `ended` resolves with how it ended. */
async function openWatch({ kubernetes }: Awaited<ReturnType<typeof setUp>>) {
  const source = kubernetes.source<Pod>("pods");
  const { resourceVersion } = await source.list({ limit: 10, signal: new AbortController().signal });
  const opened = Promise.withResolvers<void>();
  const follow = async () => {
    const { signal } = new AbortController();
    for await (const { type } of source.watch({ resourceVersion, timeoutSeconds: 300, signal })) {
      if (type === "OPENED") opened.resolve();
    }
    return "ended in an orderly way";
  };
  const ended = follow().catch((error: Error) => error.message);
  await opened.promise;
  return { ended };
}

test("close() ends the connections of a watch and of an idle pool, also those of a pool that was replaced", async (t) => {
  const client = await setUp(t);
  const { clock, kubernetes, open } = client;
  const { ended } = await openWatch(client);
  const onFirstPool = open.size;
  await clock.advance(10 * 60_000);
  await kubernetes.getPod("default", "web");
  assert.ok(open.size > onFirstPool || onFirstPool > 1, `${onFirstPool} connections, then ${open.size}`);
  await kubernetes.close();
  assert.match(await ended, /^Cannot watch pods/);
  await until(() => open.size === 0, "every connection is closed");
});

test("close() makes later requests reject without a connection", async (t) => {
  const { kubernetes, open } = await setUp(t);
  await kubernetes.getPod("default", "web");
  await kubernetes.close();
  await assert.rejects(kubernetes.getPod("default", "web"), {
    code: "KUBERNETES_UNAVAILABLE",
    message: /\(ClientClosed\)$/,
  });
  await until(() => open.size === 0, "no connection is opened");
});
