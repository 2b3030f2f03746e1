// The operator's own CA (--ca-cert) is replaced across restarts of the server, as docs/install.md describes: the new
// root is published first, then it signs, and the old one is dropped at once. Real server, webhook and sidecar.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import type { RunningProgram } from "../../emulators/start-program.ts";
import { until } from "../../emulators/until.ts";
import { isIssuedFrom, splitBundle } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority } from "../../src/pki/certificate.ts";
import { DAY_MS } from "../../src/runtime/clock.ts";
import { readIfPresent } from "../../src/runtime/files.ts";
import { openPrograms } from "../programs.ts";
import { sendRequest } from "../sidecar/send-request.ts";
import { startService } from "./service.ts";
import { startShortSessions } from "./short-sessions.ts";

const ROLE = "shop-app";
/** Renewed after half of it. */
const SESSION_MS = 12_000;
const SOON = { timeoutMs: 120_000, intervalMs: 100 };

/** Starts everything with the CA in two files, behind one address. `restart` replaces the server. */
async function setUp(context: TestContext, first: Authority) {
  const directory = mkdtempSync(join(tmpdir(), "podrole-own-ca-"));
  const [certificateFile, keyFile] = [join(directory, "ca.crt"), join(directory, "ca.key")];
  function put(certificatePem: string, { key }: Authority): void {
    writeFileSync(certificateFile, certificatePem);
    writeFileSync(keyFile, key.reveal());
  }
  put(first.certificatePem, first);
  const [identity, credentials, sts] = [await startService(), await startService(), await startShortSessions()];
  sts.lifetimes.set(`arn:aws:iam::123456789012:role/${ROLE}`, SESSION_MS);
  function serveFrom({ ports }: RunningProgram): void {
    identity.endpoints.splice(0, 1, ports["identity"] ?? 0);
    credentials.endpoints.splice(0, 1, ports["credentials"] ?? 0);
  }
  const programs = await openPrograms({
    roles: [ROLE],
    serverFlags: ["--sts-endpoint", sts.url, "--ca-cert", certificateFile, "--ca-key", keyFile],
    front: async (server) => {
      serveFrom(server);
      return { identity: identity.address, credentials: credentials.address };
    },
  });
  sts.target = programs.cluster.sts.url;
  context.after(async () => {
    await programs.close();
    await Promise.all([identity.close(), credentials.close(), sts.close()]);
    rmSync(directory, { recursive: true, force: true });
  });
  let running = programs.cluster.server;
  async function restart(): Promise<void> {
    const next = await programs.cluster.startServer();
    serveFrom(next);
    await running.stop();
    running = next;
  }
  return { programs, put, restart };
}

suite("a CA of the operator's own", () => {
  test("is replaced across restarts: each sidecar replaces a certificate of the old CA at its next renewal, however young", async (context) => {
    const make = (commonName: string) =>
      createAuthority({ commonName, now: Date.now() - DAY_MS, lifetimeMs: 100 * DAY_MS });
    const [before, after] = [make("before"), make("after")];
    const { programs, put, restart } = await setUp(context, before);
    const sidecar = await programs.startSidecar(await programs.createPod({ name: "app", roles: { app: ROLE } }));
    const file = async (name: string) => (await readIfPresent(join(sidecar.directory, "identity", name))) ?? "";

    put(before.certificatePem + after.certificatePem, before);
    await restart();
    await until(
      async () => splitBundle(await file("bundle.pem")).length === 2,
      "the sidecar trusts the root that is to sign",
      SOON,
    );
    assert.ok(isIssuedFrom(await file("identity.pem"), before.certificatePem));

    put(after.certificatePem, after);
    await restart();
    await until(
      async () => isIssuedFrom(await file("identity.pem"), after.certificatePem),
      "the sidecar has a certificate of the new CA",
      SOON,
    );
    const { status } = await sendRequest(sidecar.port, { token: await sidecar.token("app") });
    assert.equal(status, 200);
  });
});
