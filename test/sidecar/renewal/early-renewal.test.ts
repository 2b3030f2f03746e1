// The renewal that the hook or podrole-init begins before podrole-sidecar requests it.
import assert from "node:assert/strict";
import { readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { systemClock } from "../../../src/runtime/clock.ts";
import { readGrants } from "../../../src/sidecar/files/grants-file.ts";
import { createEarlyRenewal, type StartRenewal } from "../../../src/sidecar/renewal/early-renewal.ts";
import type { Renewal } from "../../../src/sidecar/renewal/outcome.ts";
import { renew } from "../../../src/sidecar/renewal/renew.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createTemporaryDirectory } from "../../temporary-files.ts";
import { createTestPod } from "../fake-pod.ts";
import { refusalReplyFor, shareFakeServer } from "../fake-server.ts";

const server = await shareFakeServer();
const { defaultGrant } = server;

const RENEWED: Renewal = { outcome: "renewed" };

/** Renewals that end when the test says so. */
function createRuns() {
  const runs: ((renewal: Renewal) => void)[] = [];
  const run: StartRenewal = (write) =>
    new Promise((resolve) => {
      write(`renewal ${runs.length + 1}\n`);
      runs.push(resolve);
    });
  return { run, runs };
}

test("createEarlyRenewal() begins in a new pod, and gives the first request that renewal with its log", async (t) => {
  const { run, runs } = createRuns();
  const renew = createEarlyRenewal(run, { identityDirectory: createTemporaryDirectory(t) });
  assert.equal(runs.length, 1, "before any request");
  const failed: Renewal = { outcome: "failed", code: "STS_DENIED", message: "no", retryAfterMs: 0 };
  runs[0]?.(failed);
  const written: string[] = [];
  assert.deepEqual(await renew((line) => written.push(line)), failed);
  assert.deepEqual(written, ["renewal 1\n"]);
  const second = renew((line) => written.push(line));
  assert.equal(runs.length, 2, "a result is given once");
  runs[1]?.(RENEWED);
  assert.deepEqual(await second, RENEWED);
  assert.deepEqual(written, ["renewal 1\n", "renewal 2\n"]);
});

test("createEarlyRenewal() runs one renewal at a time: a request of a restarted sidecar joins the one that runs", async (t) => {
  const { run, runs } = createRuns();
  const renew = createEarlyRenewal(run, { identityDirectory: createTemporaryDirectory(t) });
  const both = Promise.all([renew(() => {}), renew(() => {})]);
  assert.equal(runs.length, 1);
  runs[0]?.(RENEWED);
  assert.deepEqual(await both, [RENEWED, RENEWED]);
});

test("createEarlyRenewal() lets the early renewal store when it is requested, and a later one at once", async (t) => {
  let stored = 0;
  const start: StartRenewal = async (_write, mayStore) => {
    await mayStore;
    stored += 1;
    return RENEWED;
  };
  const renew = createEarlyRenewal(start, { identityDirectory: createTemporaryDirectory(t) });
  await new Promise(setImmediate);
  assert.equal(stored, 0);
  assert.deepEqual(await renew(() => {}), RENEWED);
  assert.equal(stored, 1);
  await renew(() => {});
  assert.equal(stored, 2);
});

for (const name of ["identity.pem", "credentials.json", "pace.json"]) {
  test(`createEarlyRenewal() waits for the request in a pod that has ${name}: it is not new`, async (t) => {
    const identityDirectory = createTemporaryDirectory(t);
    await writeFile(join(identityDirectory, name), "");
    const { run, runs } = createRuns();
    const renew = createEarlyRenewal(run, { identityDirectory });
    assert.equal(runs.length, 0);
    const renewal = renew(() => {});
    assert.equal(runs.length, 1);
    runs[0]?.(RENEWED);
    assert.deepEqual(await renewal, RENEWED);
  });
}

for (const what of ["credentials", "refusal"] as const) {
  test(`renew() stores a ${what} only when it may`, async (t) => {
    const { settings } = await createTestPod(t, server);
    const { identityDirectory } = settings;
    server.grant = what === "refusal" ? (container) => refusalReplyFor(container, "STS_DENIED") : defaultGrant;
    t.after(() => {
      server.grant = defaultGrant;
    });
    const permission = Promise.withResolvers<void>();
    const deps = { clock: systemClock, log: createKeptLog().log, mayStore: permission.promise };
    const renewal = renew(deps, settings);
    while (server.calls.length === 0) await sleep(5);
    await sleep(50);
    assert.deepEqual(await readdir(identityDirectory), []);
    permission.resolve();
    assert.equal((await renewal).outcome, what === "refusal" ? "refused" : "renewed");
    assert.equal(readGrants(identityDirectory)?.containers.length, 1);
    assert.ok(await stat(join(identityDirectory, "identity.pem")));
  });
}
