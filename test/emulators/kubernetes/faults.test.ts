// Faults that can be switched on, as a client observes them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { createKubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { systemClock } from "../../../src/runtime/clock.ts";
import { CONFIG_MAPS_PATH, PODS_PATH, podNamed, startApi, tokenOf } from "./harness.ts";

test("faults.status answers the selected requests with one status", async (t) => {
  const { emulator, call } = await startApi(t);
  emulator.faults.status = { code: 429, retryAfterSeconds: 3 };
  emulator.faults.only = ({ resource }) => resource.plural === "pods";
  const { code, headers, body } = await call("GET", PODS_PATH);
  assert.deepEqual([code, headers.get("retry-after"), body.reason], [429, "3", "TooManyRequests"]);
  assert.equal((await call("GET", CONFIG_MAPS_PATH)).code, 200);
  emulator.faults.status = undefined;
  assert.equal((await call("GET", PODS_PATH)).code, 200);
});

test("faults.down closes connections, faults.stall never responds", async (t) => {
  const { emulator, url } = await startApi(t);
  const headers = { authorization: `Bearer ${tokenOf(emulator)}` };
  emulator.faults.down = true;
  await assert.rejects(fetch(url + PODS_PATH, { headers }));
  emulator.faults.down = false;
  emulator.faults.stall = true;
  await assert.rejects(fetch(url + PODS_PATH, { headers, signal: AbortSignal.timeout(100) }), { name: "TimeoutError" });
});

test("faults.endlessLists gives empty pages, each of which names a next one", async (t) => {
  const { emulator, call } = await startApi(t);
  await emulator.create(PODS_PATH, podNamed("a"));
  emulator.faults.endlessLists = true;
  const first = await call("GET", PODS_PATH);
  const second = await call("GET", `${PODS_PATH}?continue=${first.body.metadata["continue"] as string}`);
  for (const { code, body } of [first, second]) {
    assert.deepEqual([code, body["items"]], [200, []]);
    assert.equal(typeof body.metadata["continue"], "string");
  }
  emulator.faults.endlessLists = false;
  assert.equal(((await call("GET", PODS_PATH)).body["items"] as unknown[]).length, 1);
});

test("create() without a socket is handled and audited like every request", async (t) => {
  const { emulator, call } = await startApi(t);
  const { code } = await emulator.create(PODS_PATH, podNamed("a"), "anna");
  assert.equal(code, 201);
  assert.equal((await call("GET", `${PODS_PATH}/a`)).code, 200);
  const refused = await emulator.create(PODS_PATH, podNamed("a"), "anna");
  assert.deepEqual([refused.code, (refused.body as { reason: string }).reason], [409, "AlreadyExists"]);
  assert.deepEqual(
    emulator.audit
      .filter(({ verb }) => verb === "create")
      .map(({ user, responseStatus }) => [user.username, responseStatus.code]),
    [
      ["anna", 201],
      ["anna", 409],
    ],
  );
});

test("createKubernetesEmulator(): an emulator can be closed before it listens, and twice", async () => {
  const emulator = createKubernetesEmulator({ clock: systemClock });
  await emulator.close();
  await emulator.listen();
  await emulator.close();
  await emulator.close();
});
