// The webhook's own certificate during a CA rotation, with a real identity port over TLS.
import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, suite, test } from "node:test";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { isIssuedFrom, joinBundle } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority, issueCertificate, type Subject } from "../../src/pki/certificate.ts";
import { readCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { createListener } from "../../src/protocol/listener.ts";
import type { TlsMaterial } from "../../src/protocol/tls.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { identityService } from "../../src/server/issue/services.ts";
import { createServingCertificate } from "../../src/webhook/serving-certificate.ts";
import { createTrustBundle } from "../../src/webhook/trust.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;
const now = systemClock.now();
const OLD = createAuthority({ commonName: "old", now, lifetimeMs: 100 * HOUR });
const NEW = createAuthority({ commonName: "new", now, lifetimeMs: 100 * HOUR });
const BOTH = joinBundle([OLD.certificatePem, NEW.certificatePem]);

function servingBy(authority: Authority, publicKey = createPublicKey(createPrivateKey(KEY.reveal()))): string {
  const subject: Subject = { kind: "serving", dnsNames: ["podrole-server"], ipAddresses: [] };
  return issueCertificate({ authority, publicKey, subject, now, lifetimeMs: HOUR }).pem;
}
const KEY = generateKeyPem();

async function webhookBeside(context: TestContext) {
  const state = { authority: OLD, bundle: OLD.certificatePem, issued: 0 };
  const material = (): TlsMaterial => ({ certificatePem: servingBy(state.authority), privateKey: KEY });
  const changes = new Set<() => void>();
  const tls = {
    current: material,
    onChange: (listener: () => void) => {
      changes.add(listener);
      return () => changes.delete(listener);
    },
  };
  const issue = async (_token: unknown, csr: Uint8Array) => {
    const key = readCsr(csr);
    if (isRefusal(key)) throw new RangeError(key.message);
    state.issued += 1;
    return { pem: servingBy(state.authority, key), serial: "1", notBefore: now, notAfter: now + HOUR };
  };
  const port = createListener(
    { clock: systemClock, ...identityService({ bundlePem: () => state.bundle, issue, onFailure: () => {} }) },
    { address: { host: "127.0.0.1", port: 0 }, tls, requireClientCertificate: false, graceMs: 100 },
  );
  const address = `127.0.0.1:${await port.listen()}`;
  const directory = await mkdtemp(join(tmpdir(), "podrole-serving-"));
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await port.close();
    await rm(directory, { recursive: true, force: true });
  });
  const proofFile = join(directory, "token");
  await writeFile(proofFile, "token");
  const clock = createFakeClock(now);
  const { log } = createKeptLog();
  const trust = createTrustBundle(
    { kubernetes: { getConfigMap: async () => ({ "bundle.pem": state.bundle }) }, clock, log, signal: stop.signal },
    { namespace: "podrole", name: "podrole-trust" },
  );
  const deps = { clock, log, signal: stop.signal, trust };
  const serving = createServingCertificate(deps, { identityAddress: address, serverName: "podrole-server", proofFile });
  await serving.ready;
  const become = (change: Partial<typeof state>) => {
    Object.assign(state, change);
    for (const listener of changes) listener();
  };
  return { state, clock, serving, become };
}

suite("createServingCertificate()", () => {
  test("renews at once when its CA leaves the trust bundle", { timeout: 20_000 }, async (context) => {
    const { clock, serving, become } = await webhookBeside(context);
    become({ authority: NEW, bundle: BOTH });
    await clock.advance(MINUTE);
    const changed = new Promise<void>((resolve) => void serving.onChange(resolve));
    become({ bundle: NEW.certificatePem });
    await clock.advance(MINUTE);
    await changed;
    assert.ok(isIssuedFrom(serving.current().certificatePem, NEW.certificatePem));
  });

  test("keeps a certificate whose CA is still in the trust bundle: a prepared next CA is no reason to renew", async (context) => {
    const { state, clock, serving, become } = await webhookBeside(context);
    const before = serving.current().certificatePem;
    become({ bundle: BOTH });
    await clock.advance(5 * MINUTE);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual([state.issued, serving.current().certificatePem], [1, before]);
  });
});
