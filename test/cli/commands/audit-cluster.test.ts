// podrole audit --from-cluster: the logs of podrole's pods, from an API server.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { type TestContext, test } from "node:test";
import { kubeconfig } from "../../../emulators/kubernetes/kubeconfig.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { admission, credentials, linesOf } from "../../operations/audit/samples.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { partOf, runAudit } from "./run-audit.ts";

const LOGS: Readonly<Record<string, string>> = {
  "podrole-server-1": linesOf([credentials()]),
  "podrole-webhook-1": linesOf(["starting", admission()]),
};

/** Its image cannot be pulled. */
const WAITING = "podrole-server-2";

async function startCluster(context: TestContext, pods: readonly string[]): Promise<string> {
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://localhost");
    const [, name] = /^\/api\/v1\/namespaces\/podrole\/pods\/([^/]+)\/log$/.exec(url.pathname) ?? [];
    if (name === WAITING) return void response.writeHead(400).end('container "main" is waiting to start');
    if (name !== undefined && url.searchParams.get("container") === "main") return void response.end(LOGS[name]);
    if (url.pathname.endsWith("/mutatingwebhookconfigurations")) {
      return void response.setHeader("content-type", "application/json").end('{"items":[],"metadata":{}}');
    }
    assert.equal(url.searchParams.get("labelSelector"), "app.kubernetes.io/part-of=podrole");
    const items = pods.map((pod) => ({
      metadata: { name: pod },
      spec: { containers: [{ name: "main" }] },
      status: { containerStatuses: [{ name: "main", ...(pod !== WAITING && { containerID: "containerd://1" }) }] },
    }));
    response.setHeader("content-type", "application/json").end(JSON.stringify({ items, metadata: {} }));
  });
  const url = `http://127.0.0.1:${await listenOnLoopback(context, server)}`;
  return writeTemporaryFile(
    context,
    "kubeconfig",
    kubeconfig({ url, caPem: undefined, username: "alice", token: "t" }),
  );
}

test("podrole audit --from-cluster reads the logs of podrole's pods", async (context) => {
  const path = await startCluster(context, Object.keys(LOGS));
  const flags = { role: "shop-orders", fromCluster: "true", kubeconfig: path, output: "json" };
  const { exitCode, json, err } = await runAudit(["who"], flags);
  assert.equal(exitCode, 0, err);
  assert.equal(partOf(json()[0], "admission")["user"], "alice@example.com");
  assert.match(err, /pod podrole\/podrole-webhook-1: 1 record \(admission since \S+\), 1 other line/);
});

test("podrole audit --from-cluster skips a pod that has not started", async (context) => {
  const path = await startCluster(context, [...Object.keys(LOGS), WAITING]);
  const flags = { role: "shop-orders", fromCluster: "true", kubeconfig: path, output: "json" };
  const { exitCode, json, err } = await runAudit(["who"], flags);
  assert.equal(exitCode, 0, err);
  assert.equal(json().length, 1);
});

test("podrole audit --from-cluster returns 2 if podrole does not run there, or the cluster cannot be reached", async (context) => {
  const path = await startCluster(context, []);
  const flags = { role: "shop-orders", fromCluster: "true", kubeconfig: path };
  const nothing = await runAudit(["who"], flags);
  assert.deepEqual([nothing.exitCode, nothing.out], [2, ""]);
  assert.match(nothing.err, /--from-cluster: namespace "podrole" has no pod with app\.kubernetes\.io\/part-of=podrole/);
  const unread = await runAudit(["who"], { ...flags, kubeconfig: "/none" });
  assert.deepEqual([unread.exitCode, unread.out], [2, ""]);
  assert.match(unread.err, /^podrole audit who: .*\/none/);
});

test("podrole audit --from-cluster refuses podrole's own namespace as the namespace of pods", async (context) => {
  const path = await startCluster(context, Object.keys(LOGS));
  const flags = { role: "shop-orders", fromCluster: "true", kubeconfig: path };
  const own = await runAudit(["who"], { ...flags, namespace: "podrole" });
  assert.deepEqual([own.exitCode, own.out], [2, ""]);
  assert.match(own.err, /--namespace: "podrole" is podrole's own namespace.*--podrole-namespace/);
  assert.equal((await runAudit(["who"], { ...flags, namespace: "shop" })).exitCode, 0);
});
