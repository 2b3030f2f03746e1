// Renewals against a server with real gRPC, TLS and certificates; assertions read the pod's identity directory.
import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { beforeEach, type TestContext, test } from "node:test";
import { joinBundle } from "../../../src/pki/bundle.ts";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { ERRORS, type ErrorCode, PodroleError } from "../../../src/protocol/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { readGrants } from "../../../src/sidecar/files/grants-file.ts";
import { readIdentity } from "../../../src/sidecar/files/identity-files.ts";
import { renew } from "../../../src/sidecar/renewal/renew.ts";
import type { SidecarSettings } from "../../../src/sidecar/settings.ts";
import { createFakeClock, type FakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { listenOnLoopback } from "../../loopback.ts";
import { createTestPod } from "../fake-pod.ts";
import { grantReply, refusalReplyFor, shareFakeServer, startFakeServer } from "../fake-server.ts";

let clock: FakeClock = createFakeClock(Date.now());
const server = await shareFakeServer({
  now: () => clock.now(),
  elapsedMs: () => clock.elapsedMs(),
  schedule: (task, ms) => clock.schedule(task, ms),
});
const { defaultGrant } = server;
beforeEach(() => {
  clock = createFakeClock(Date.now());
});

async function setUp(t: TestContext, changes: Partial<SidecarSettings> = {}) {
  const pod = await createTestPod(t, server, changes);
  const { log, lines } = createKeptLog();
  const { identityDirectory } = pod.settings;
  return {
    pod,
    lines,
    run: () => renew({ clock, log, random: () => 0.5 }, pod.settings),
    grants: () => readGrants(identityDirectory)?.containers ?? [],
    file: (name: string) => join(identityDirectory, name),
  };
}

/** A port that closes each connection before TLS; resolves with its number. */
function listenAndClose(t: TestContext): Promise<number> {
  return listenOnLoopback(
    t,
    createServer((socket) => socket.destroy()),
  );
}

test("renew() proves the pod, receives credentials for every container, and stores them in files of mode 0600", async (t) => {
  const { run, grants, file } = await setUp(t, { containers: ["app", "worker"] });
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.deepEqual(server.calls, ["certificate", "credentials"]);
  assert.deepEqual(server.tokens, ["proof-1"]);
  assert.deepEqual(
    grants().map(({ container, credentials }) => [container, credentials?.sessionToken.reveal()]),
    [
      ["app", "session-of-app-1"],
      ["worker", "session-of-worker-1"],
    ],
  );
  const names = await readdir(file("."));
  assert.deepEqual(names.toSorted(), ["credentials.json", "identity.pem"]);
  for (const name of names) assert.equal((await stat(file(name))).mode & 0o777, 0o600, name);
  const pem = await readFile(file("identity.pem"), "utf8");
  assert.match(new X509Certificate(pem.slice(pem.indexOf("-----BEGIN CERT"))).subjectAltName ?? "", /spiffe:/);
});

test("renew() uses the stored certificate until half of its lifetime, then creates a new key", async (t) => {
  const { run, file, pod } = await setUp(t);
  await run();
  const first = await readFile(file("identity.pem"), "utf8");
  await clock.advance(0.44 * HOUR_MS);
  await run();
  assert.deepEqual(server.calls, ["certificate", "credentials", "credentials"]);
  assert.equal(await readFile(file("identity.pem"), "utf8"), first);
  await writeFile(pod.settings.proofFile, "proof-2");
  await clock.advance(0.12 * HOUR_MS);
  await run();
  assert.deepEqual(server.calls.slice(3), ["certificate", "credentials"]);
  assert.deepEqual(server.tokens, ["proof-1", "proof-2"]);
  const second = await readFile(file("identity.pem"), "utf8");
  assert.notEqual(second.split("-----BEGIN CERT")[0], first.split("-----BEGIN CERT")[0]);
});

test("renew() replaces a certificate that may be replaced, whatever the renewal is for", async (t) => {
  const { run, file } = await setUp(t);
  server.accompanies = true;
  await run();
  const { renewAtMs = 0, renewableAtMs = 0 } = (await readIdentity(file("."))) ?? {};
  assert.ok(renewableAtMs < renewAtMs);
  await clock.advance(Math.ceil(renewableAtMs - clock.now()));
  await run();
  assert.deepEqual(server.calls, ["certificate", "certificate"]);
});

test("renew() makes one call when the certificate is accompanied by credentials, and then uses that certificate", async (t) => {
  const { run, grants } = await setUp(t, { containers: ["app", "worker"] });
  server.accompanies = true;
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.deepEqual(server.calls, ["certificate"]);
  assert.deepEqual(
    grants().map(({ credentials }) => credentials?.sessionToken.reveal()),
    ["session-of-app-0", "session-of-worker-0"],
  );
  await clock.advance(0.44 * HOUR_MS);
  assert.deepEqual(await run(), { outcome: "renewed" });
  await clock.advance(0.12 * HOUR_MS);
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.deepEqual(server.calls, ["certificate", "credentials", "certificate"]);
});

test("renew() stores a refusal that accompanies the certificate like one of the credentials port", async (t) => {
  const { run, grants } = await setUp(t, { containers: ["app", "worker"] });
  server.accompanies = true;
  server.grant = (container, call) =>
    container === "app" ? refusalReplyFor(container, "ROLE_FORBIDDEN", "Cannot") : defaultGrant(container, call);
  assert.deepEqual(await run(), { outcome: "refused", code: "ROLE_FORBIDDEN", message: "Cannot", retryAfterMs: 0 });
  assert.deepEqual(server.calls, ["certificate"]);
  assert.deepEqual(
    grants().map(({ credentials, refusal }) => [credentials !== undefined, refusal?.code]),
    [
      [false, "ROLE_FORBIDDEN"],
      [true, undefined],
    ],
  );
});

test("readIdentity() returns the same time of renewal whenever it reads the file", async (t) => {
  const { run, file } = await setUp(t);
  await run();
  const [one, two] = await Promise.all([readIdentity(file(".")), readIdentity(file("."))]);
  assert.equal(one?.renewAtMs, two?.renewAtMs);
  const share = ((one?.renewAtMs ?? 0) - clock.now()) / HOUR_MS;
  assert.ok(share >= 0.449 && share <= 0.551, String(share));
});

test("renew() requests a new certificate when the pod was suspended until after its expiry", async (t) => {
  const { run, grants } = await setUp(t);
  await run();
  await clock.advance(5 * HOUR_MS);
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.equal(grants()[0]?.credentials?.expiresAtMs, clock.now() + HOUR_MS);
});

test("renew() requests a new certificate when the clock was set back to before the stored one was issued", async (t) => {
  const { run, file } = await setUp(t);
  await run();
  const first = await readFile(file("identity.pem"), "utf8");
  clock.step(-2 * MINUTE_MS);
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.notEqual(await readFile(file("identity.pem"), "utf8"), first);
});

for (const skewMs of [2 * HOUR_MS, -2 * HOUR_MS]) {
  test(`renew() stores the time that remains by the node's clock when the server's is ahead by ${skewMs} ms`, async (t) => {
    const { run, grants } = await setUp(t);
    const times = { now: clock.now() + skewMs - 15 * MINUTE_MS, remainingMs: 45 * MINUTE_MS };
    server.grant = (container) => grantReply(container, times);
    assert.deepEqual(await run(), { outcome: "renewed" });
    const { issuedAtMs = 0, expiresAtMs = 0 } = grants()[0]?.credentials ?? {};
    assert.deepEqual([issuedAtMs, expiresAtMs], [clock.now() - 15 * MINUTE_MS, clock.now() + 45 * MINUTE_MS]);
  });
}

test("renew() requests a new certificate, once, when the server rejects the stored one", async (t) => {
  const { run } = await setUp(t);
  await run();
  let rejections = 0;
  server.grant = (container) => {
    if (rejections++ === 0) throw new PodroleError("CERTIFICATE_REJECTED", "Cannot accept it");
    return grantReply(container, { now: clock.now() });
  };
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.deepEqual(server.calls.slice(2), ["credentials", "certificate", "credentials"]);
  server.grant = () => {
    throw new PodroleError("CERTIFICATE_REJECTED", "Cannot accept it");
  };
  const renewal = await run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "CERTIFICATE_REJECTED");
  assert.deepEqual(server.calls.slice(5), ["credentials", "certificate", "credentials"]);
});

test("renew() requests a new certificate when the stored one may be the reason for a failed connection", async (t) => {
  const { run } = await setUp(t);
  const other = await startFakeServer(clock);
  const stranger = await createTestPod(t, other);
  const { log } = createKeptLog();
  await renew({ clock, log }, stranger.settings);
  await other.stop();
  // A certificate of another CA, which this server rejects in the TLS handshake.
  const moved = await setUp(t);
  await writeFile(
    moved.file("identity.pem"),
    await readFile(join(stranger.settings.identityDirectory, "identity.pem")),
  );
  assert.deepEqual(await moved.run(), { outcome: "renewed" }, "its CA may be retired");
  assert.deepEqual(server.calls, ["certificate", "credentials"]);
  assert.deepEqual(await run(), { outcome: "renewed" });
});

test("renew() requests no certificate from a server that closes connections before TLS, as an overloaded one does", async (t) => {
  const { run, file } = await setUp(t);
  await run();
  const port = await listenAndClose(t);
  const overloaded = await setUp(t, { serverAddress: { host: "127.0.0.1", port } });
  await writeFile(overloaded.file("identity.pem"), await readFile(file("identity.pem")));
  await clock.advance(10 * MINUTE_MS);
  server.calls.length = 0;
  const renewal = await overloaded.run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "SERVER_OVERLOADED");
  assert.deepEqual(server.calls, []);
});

test("renew() uses the old certificate until its expiry when a new one is not available", async (t) => {
  const { run, grants } = await setUp(t);
  await run();
  server.refuseProof = new PodroleError("KUBERNETES_UNAVAILABLE", "Cannot review", { retryAfterMs: 3_000 });
  await clock.advance(0.6 * HOUR_MS);
  assert.deepEqual(await run(), {
    outcome: "failed",
    code: "KUBERNETES_UNAVAILABLE",
    message: "Cannot review",
    retryAfterMs: 3_000,
  });
  assert.equal(grants()[0]?.credentials?.expiresAtMs, clock.now() + HOUR_MS);
  await clock.advance(0.5 * HOUR_MS);
  server.calls.length = 0;
  await run();
  assert.deepEqual(server.calls, ["certificate"]);
});

for (const code of ["STS_THROTTLED", "PERMITTED_INVALID", "ROLE_FORBIDDEN", "POD_FINISHED"] as const) {
  const { keep } = ERRORS[code];
  test(`renew() ${keep ? "keeps" : "revokes"} the credentials of a container that is refused with ${code}`, async (t) => {
    const { run, grants } = await setUp(t, { containers: ["app", "worker"] });
    await run();
    server.grant = (container, call) =>
      container === "app" ? refusalReplyFor(container, code, "Cannot", 4_000) : defaultGrant(container, call);
    assert.deepEqual(await run(), { outcome: "refused", code, message: "Cannot", retryAfterMs: 4_000 });
    const [app, worker] = grants();
    assert.equal(app?.credentials?.accessKeyId, keep ? "ASIAAPP1" : undefined);
    assert.equal(app?.refusal?.code, code);
    assert.ok(worker?.credentials && worker.refusal === undefined);
    server.grant = defaultGrant;
    assert.deepEqual(await run(), { outcome: "renewed" });
    assert.equal(grants()[0]?.refusal, undefined);
  });
}

for (const port of ["identity", "credentials"] as const) {
  for (const code of ["POD_UNKNOWN", "KUBERNETES_UNAVAILABLE"] as const satisfies readonly ErrorCode[]) {
    const { keep } = ERRORS[code];
    test(`renew() ${keep ? "keeps" : "revokes"} all credentials when the ${port} port refuses the pod with ${code}`, async (t) => {
      const { run, grants } = await setUp(t, { containers: ["app", "worker"] });
      await run();
      const refusal = new PodroleError(code, "Cannot");
      if (port === "identity") server.refuseProof = refusal;
      else server.grant = () => Promise.reject(refusal);
      await clock.advance(0.6 * HOUR_MS);
      const renewal = await run();
      assert.equal(renewal.outcome === "failed" && renewal.code, code);
      const held = grants().map(({ credentials }) => credentials !== undefined);
      assert.deepEqual(held, [keep, keep]);
      if (!keep)
        assert.deepEqual(
          grants().map(({ refusal }) => refusal?.code),
          [code, code],
        );
    });
  }
}

test("renew() returns a retryable refusal in preference to a permanent one", async (t) => {
  const { run } = await setUp(t, { containers: ["app", "worker"] });
  server.grant = (container) => refusalReplyFor(container, container === "app" ? "STS_DENIED" : "STS_THROTTLED");
  const renewal = await run();
  assert.equal(renewal.outcome === "refused" && renewal.code, "STS_THROTTLED");
});

test("renew() stores CLOCK_SKEWED for expired credentials, and INTERNAL for any other unusable answer", async (t) => {
  const { run, grants } = await setUp(t, { containers: ["expired", "empty", "silent"] });
  server.grant = (container) => {
    if (container === "expired") return grantReply(container, { now: clock.now() - 2 * HOUR_MS });
    if (container === "empty") return { container, result: undefined };
    return { container: "somebody-else", result: undefined };
  };
  await run();
  assert.deepEqual(
    grants().map(({ refusal }) => refusal?.code),
    ["CLOCK_SKEWED", "INTERNAL", "INTERNAL"],
  );
});

test("renew() trusts the bundle from admission and the newest one together, and sends the hash of the newest", async (t) => {
  const next = createAuthority({ commonName: "next CA", now: clock.now(), lifetimeMs: 10 * HOUR_MS });
  const bundle = joinBundle([server.bundlePem, next.certificatePem]);
  const { run, file } = await setUp(t);
  server.newBundle = bundle;
  await run();
  assert.equal(await readFile(file("bundle.pem"), "utf8"), bundle);
  await run();
  assert.equal(new Set(server.bundleHashes).size, 2);
  assert.equal(server.bundleHashes.at(-1), server.bundleHashes.at(-2));
  // A bundle that lacks the current CA must not lock the pod out.
  await writeFile(file("bundle.pem"), next.certificatePem);
  await rm(file("identity.pem"));
  assert.deepEqual(await run(), { outcome: "renewed" });
  const other = await setUp(t, { trustBundle: next.certificatePem });
  const renewal = await other.run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "SERVER_UNTRUSTED");
});

test("renew() sends no token to a server with another name", async (t) => {
  const { run } = await setUp(t, { serverName: "somebody-else" });
  const renewal = await run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "SERVER_UNTRUSTED");
  assert.deepEqual(server.tokens, [], "the token is not sent");
});

test("renew() returns PROOF_REJECTED with the path when the kubelet has written no token", async (t) => {
  const { run, pod } = await setUp(t);
  await rm(pod.settings.proofFile);
  const renewal = await run();
  assert.equal(renewal.outcome === "failed" && renewal.code, "PROOF_REJECTED");
  assert.ok(renewal.outcome === "failed" && renewal.message.includes(pod.settings.proofFile));
});

test("renew() recovers from truncated files, and removes temporary files of a killed renewal", async (t) => {
  const { run, file } = await setUp(t);
  await run();
  await writeFile(file("identity.pem"), "issued-at-ms: 1\n-----BEGIN CERTIFICATE-----\nAA");
  await writeFile(file("credentials.json"), '{"containers":[{"cont');
  await writeFile(file("identity.pem.abc.tmp"), "half a key");
  assert.deepEqual(await run(), { outcome: "renewed" });
  assert.deepEqual((await readdir(file("."))).toSorted(), ["credentials.json", "identity.pem"]);
});
