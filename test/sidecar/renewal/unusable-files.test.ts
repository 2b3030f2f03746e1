// What a renewal does with files that it cannot use.
import assert from "node:assert/strict";
import { mkdir, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { renew } from "../../../src/sidecar/renewal/renew.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createTestPod } from "../fake-pod.ts";
import { shareFakeServer } from "../fake-server.ts";

const server = await shareFakeServer();

async function setUp(t: TestContext) {
  const pod = await createTestPod(t, server);
  const { log, lines } = createKeptLog();
  const run = () => renew({ clock, log }, pod.settings);
  return { pod, lines, run, file: (name: string) => join(pod.settings.identityDirectory, name) };
}

for (const name of ["identity.pem", "credentials.json", "bundle.pem", "half.tmp"]) {
  test(`renew() replaces a directory in the place of ${name}, with an error line`, async (t) => {
    const { run, file, lines, pod } = await setUp(t);
    await mkdir(join(file(name), "below"), { recursive: true });
    assert.deepEqual(await run(), { outcome: "renewed" });
    const errors = lines.filter(({ level }) => level === 50).map(({ path }) => path);
    assert.deepEqual(errors, name === "half.tmp" ? [] : [`${pod.settings.identityDirectory}/${name}`]);
    assert.deepEqual((await readdir(file("."))).toSorted(), ["credentials.json", "identity.pem"]);
  });
}

test("renew() logs that the directory cannot be used, and works again when it can", async (t) => {
  const { run, pod, lines } = await setUp(t);
  const { identityDirectory } = pod.settings;
  await rm(identityDirectory, { recursive: true });
  await writeFile(identityDirectory, "a file in the place of the directory");
  const renewal = await run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "INTERNAL");
  assert.ok(lines.some(({ level, message }) => level === 50 && message === "renewal failed"));
  await rm(identityDirectory);
  await mkdir(identityDirectory);
  assert.deepEqual(await run(), { outcome: "renewed" });
});

test("renew() returns INTERNAL when the directory does not exist", async (t) => {
  const { run, pod, lines } = await setUp(t);
  await rm(pod.settings.identityDirectory, { recursive: true });
  const renewal = await run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "INTERNAL");
  assert.ok(JSON.stringify(lines).includes("ENOENT"));
});
