// Renewals of a pod whose certificate comes from the kubelet: no token, no call of the identity port.
import assert from "node:assert/strict";
import { readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, type TestContext, test } from "node:test";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import { readGrants } from "../../../src/sidecar/files/grants-file.ts";
import { renew } from "../../../src/sidecar/renewal/renew.ts";
import { findProofProblems } from "../../../src/sidecar/settings.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { createTestPod } from "../fake-pod.ts";
import { shareFakeServer } from "../fake-server.ts";

let clock: FakeClock = createFakeClock(Date.now());
const server = await shareFakeServer({
  now: () => clock.now(),
  elapsedMs: () => clock.elapsedMs(),
  schedule: (task, ms) => clock.schedule(task, ms),
});
beforeEach(() => {
  clock = createFakeClock(Date.now());
});

/** A pod with the two files that the kubelet writes. */
async function setUp(t: TestContext) {
  const volume = (await createTestPod(t, server)).directory;
  const [certificateFile, trustBundleFile] = [join(volume, "credentials.pem"), join(volume, "bundle.pem")];
  const changes = { certificateFile, trustBundleFile, proofFile: undefined, trustBundle: undefined };
  const { settings } = await createTestPod(t, server, changes);
  await writeFile(certificateFile, server.credentialBundle());
  await writeFile(trustBundleFile, server.bundlePem);
  return {
    settings,
    certificateFile,
    trustBundleFile,
    run: () => renew({ clock, log: createKeptLog().log, random: () => 0.5 }, settings),
    grants: () => readGrants(settings.identityDirectory),
  };
}

test("renew() with a pod certificate makes one call, and stores neither key nor bundle", async (t) => {
  const { run, settings, grants } = await setUp(t);
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.deepEqual([server.calls, server.tokens], [["credentials"], []]);
  assert.deepEqual(await readdir(settings.identityDirectory), ["credentials.json"]);
  const { renewAtMs = 0, expiresAtMs } = grants()?.certificate ?? {};
  assert.equal(renewAtMs, expiresAtMs, "the kubelet renews the certificate");
});

test("renew() uses the certificate and the bundle that the kubelet has written last", async (t) => {
  const { run, grants, certificateFile, trustBundleFile } = await setUp(t);
  await run();
  const before = grants()?.certificate?.expiresAtMs ?? 0;
  server.certificateLifetimeMs = 2 * HOUR_MS;
  await writeFile(certificateFile, server.credentialBundle());
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.ok((grants()?.certificate?.expiresAtMs ?? 0) > before);
  const other = createAuthority({ commonName: "other CA", now: Date.now(), lifetimeMs: HOUR_MS });
  await writeFile(trustBundleFile, other.certificatePem);
  const renewal = await run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "SERVER_UNTRUSTED");
});

for (const [what, content] of [
  ["an empty file", ""],
  ["a certificate without a key", "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n"],
  ["a truncated file", "-----BEGIN PRIVATE KEY-----\nMI"],
] as const) {
  test(`renew() returns PROOF_REJECTED with the path for ${what}, and keeps the credentials`, async (t) => {
    const { run, grants, certificateFile } = await setUp(t);
    await run();
    await writeFile(certificateFile, content);
    const renewal = await run();
    assert.ok(renewal.outcome === "failed" && renewal.message.includes(certificateFile));
    assert.equal(renewal.code, "PROOF_REJECTED");
    assert.ok(grants()?.containers[0]?.credentials);
  });
}

test("renew() does not present an expired pod certificate, and continues with a new one", async (t) => {
  const { run, certificateFile } = await setUp(t);
  await run();
  await clock.advance(2 * HOUR_MS);
  const renewal = await run();
  assert.match(renewal.outcome === "failed" ? renewal.message : "", /expired at/);
  assert.equal(server.calls.length, 1);
  await writeFile(certificateFile, server.credentialBundle());
  assert.deepEqual(await run(), { outcome: "renewed" });
});

test("findProofProblems() accepts a token with a bundle, or a certificate with a bundle in a file, and nothing between", async (t) => {
  const { settings } = await setUp(t);
  const both = { ...settings, proofFile: "/token", trustBundle: server.bundlePem };
  const byToken = { ...both, certificateFile: undefined, trustBundleFile: undefined };
  assert.deepEqual([findProofProblems(settings), findProofProblems(byToken)], [[], []]);
  for (const [wrong, flags] of [
    [both, "--proof-file, --trust-bundle, --certificate-file, --trust-bundle-file set"],
    [{ ...settings, trustBundleFile: undefined }, "--certificate-file set"],
    [{ ...settings, certificateFile: undefined }, "--trust-bundle-file set"],
    [{ ...byToken, trustBundle: undefined }, "--proof-file set"],
    [{ ...byToken, proofFile: undefined, trustBundle: undefined }, "none set"],
  ] as const) {
    const text = findProofProblems(wrong).join();
    assert.match(text, /expected --proof-file and --trust-bundle, or --certificate-file/);
    assert.ok(text.startsWith(`the proof of the pod: ${flags};`), text);
  }
});
