// Projected ServiceAccount tokens: requested as the pod specifies, renewed before they expire, replaced in one step.
import assert from "node:assert/strict";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { until } from "../../../emulators/until.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createHarness, podWithSpec, shellContainer, UID } from "./harness.ts";

const PROOF = {
  name: "podrole-proof",
  projected: {
    sources: [
      { serviceAccountToken: { audience: "podrole.io", expirationSeconds: 600, path: "token" } },
      { downwardAPI: { items: [{ path: "pod/name", fieldRef: { fieldPath: "metadata.name" } }] } },
      { configMap: { name: "kube-root-ca.crt", optional: true } },
    ],
  },
};

test("run() requests a token bound to the pod and writes it readable only by its owner", async (t) => {
  const { node, directory, tokenRequests } = await createHarness(t);
  const volumeMounts = [{ name: "podrole-proof", mountPath: "/var/run/podrole/proof", readOnly: true }];
  const env = [{ name: "PODROLE_PROOF_FILE", value: "/var/run/podrole/proof/token" }];
  const app = shellContainer("app", "cat $PODROLE_PROOF_FILE; exec sleep 1000", { env, volumeMounts });
  const pod = node.run(podWithSpec({ serviceAccountName: "cart", volumes: [PROOF], containers: [app] }));
  await pod.until(({ phase }) => phase === "Running");
  assert.deepEqual(tokenRequests, [
    {
      namespace: "shop",
      serviceAccount: "cart",
      audience: "podrole.io",
      expirationSeconds: 600,
      pod: { name: "web-0", uid: UID },
    },
  ]);
  const volume = join(directory, UID, "volumes", "podrole-proof");
  assert.equal(await readFile(join(volume, "token"), "utf8"), "token-1");
  assert.equal(await readFile(join(volume, "pod", "name"), "utf8"), "web-0");
  assert.equal((await stat(join(volume, "token"))).mode & 0o777, 0o600);
  const { output } = await pod.exec("app", ["/bin/cat", "/var/run/podrole/proof/token"]);
  assert.equal(output, "token-1");
});

test("run() replaces a token after 80 % of its lifetime, and keeps it while no new one is available", async (t) => {
  const clock = createFakeClock();
  let fails = false;
  let requests = 0;
  const { node, directory } = await createHarness(
    t,
    {
      async tokens({ expirationSeconds }) {
        requests += 1;
        if (fails) throw new TypeError("the API server is away");
        return { token: new Secret(`token-${requests}`), expiresAt: clock.now() + expirationSeconds * 1000 };
      },
    },
    clock,
  );
  const pod = node.run(podWithSpec({ volumes: [PROOF] }));
  await pod.until(({ phase }) => phase === "Running");
  const content = () => readFile(join(directory, UID, "volumes", "podrole-proof", "token"), "utf8");

  await clock.advance(479_000);
  assert.equal(requests, 1);
  await clock.advance(1000);
  assert.equal(requests, 2);
  await until(async () => (await content()) === "token-2");

  fails = true;
  // The volume begins to wait again only after the file is written, which takes real time.
  for (const isRequested = () => requests === 3; !isRequested(); ) await clock.advance(100);
  assert.equal(await content(), "token-2");
  fails = false;
  await clock.advance(1000);
  assert.equal(requests, 4);
  await until(async () => (await content()) === "token-4");
});

test("run() starts no container before the first token is available, and reports why", async (t) => {
  const clock = createFakeClock();
  let fails = true;
  const { node } = await createHarness(
    t,
    {
      async tokens() {
        if (fails) throw new TypeError("the API server is away");
        return { token: new Secret("token"), expiresAt: clock.now() + 600_000 };
      },
    },
    clock,
  );
  const pod = node.run(podWithSpec({ volumes: [PROOF] }));
  const { message, phase } = await pod.until((status) => status.message !== undefined);
  assert.equal(message, "token for audience podrole.io: the API server is away");
  assert.equal(phase, "Pending");
  fails = false;
  await clock.advance(1000);
  assert.equal((await pod.until((status) => status.phase === "Running")).message, undefined);
});

test("run() keeps a pod pending whose projected volume has a source that the node does not support", async (t) => {
  const { node } = await createHarness(t);
  const volume = { name: "ca", projected: { sources: [{ configMap: { name: "kube-root-ca.crt" } }] } };
  const pod = node.run(podWithSpec({ volumes: [volume] }));
  const { message } = await pod.until((status) => status.message !== undefined);
  assert.equal(message, 'volume "ca" has a source that this node does not have: configMap');
});
