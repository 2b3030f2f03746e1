// The webhook's own certificate during a CA rotation, with a real identity port over TLS.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { suite, type TestContext, test } from "node:test";
import { apply_patch as applyPatch } from "jsonpatch";
import type { PlanSettings } from "../../src/injection/plan.ts";
import type { Pod } from "../../src/kubernetes/objects.ts";
import { isIssuedFrom, joinBundle } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority, issueCertificate, type Subject } from "../../src/pki/certificate.ts";
import { readCsr } from "../../src/pki/csr.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { isRefusal } from "../../src/protocol/errors.ts";
import { createListener } from "../../src/protocol/listener.ts";
import type { TlsMaterial } from "../../src/protocol/tls.ts";
import { HOUR_MS, MINUTE_MS, systemClock } from "../../src/runtime/clock.ts";
import { identityService } from "../../src/server/issue/services.ts";
import { createAdmissionHandler } from "../../src/webhook/admit.ts";
import { createPodContextReader } from "../../src/webhook/lookups.ts";
import { startRequestedCertificate } from "../../src/webhook/requested-certificate.ts";
import { readAdmissionReview } from "../../src/webhook/review.ts";
import { startTrustBundle, type TrustBundle } from "../../src/webhook/trust-bundle.ts";
import { createFakeClock } from "../fakes/clock.ts";
import { createKeptLog } from "../fakes/log.ts";
import { PLAN_SETTINGS } from "../injection/plan-settings.ts";
import { createTemporaryDirectory } from "../temporary-files.ts";
import { annotatedPod, createFakeCluster, reviewOf } from "./requests.ts";

/** The longest back-off of failed attempts, with its jitter. */
const MAX_WAIT = 36_000;
const now = systemClock.now();
const OLD = createAuthority({ commonName: "old", now, lifetimeMs: 100 * HOUR_MS });
const NEW = createAuthority({ commonName: "new", now, lifetimeMs: 100 * HOUR_MS });
const BOTH = joinBundle([OLD.certificatePem, NEW.certificatePem]);

/** `skewMs`: how far the issuer's clock is ahead. */
function servingBy(
  authority: Authority,
  publicKey = createPublicKey(createPrivateKey(KEY.reveal())),
  skewMs = 0,
): string {
  const subject: Subject = { kind: "serving", dnsNames: ["podrole-server"], ipAddresses: [] };
  return issueCertificate({ authority, publicKey, subject, now: now + skewMs, lifetimeMs: HOUR_MS }).pem;
}
const KEY = generateKeyPem();

/** Results of the attempts, which run one after the other over a real socket. */
function createAttempts() {
  const results: ("ok" | "failed")[] = [];
  let waiting = Promise.withResolvers<void>();
  return {
    results,
    ended(result: "ok" | "failed"): void {
      results.push(result);
      waiting.resolve();
      waiting = Promise.withResolvers();
    },
    /** Resolves once `count` attempts have ended. */
    async reach(count: number): Promise<void> {
      while (results.length < count) await waiting.promise;
    },
  };
}

/**
 * `bundle` is the server's own; `published` stands in the ConfigMap instead if it is not "". `proof`: the token file.
 * `aheadMs`: how far the webhook's clock is ahead of the server's.
 */
async function webhookBeside(context: TestContext, { published = "", proof = "token", aheadMs = 0 } = {}) {
  const state = { authority: OLD, bundle: OLD.certificatePem, published, issued: 0, skewMs: 0 };
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
    return { pem: servingBy(state.authority, key, state.skewMs), serial: "1", notBefore: now, notAfter: now + HOUR_MS };
  };
  const port = createListener(
    {
      clock: systemClock,
      ...identityService({ bundlePem: () => state.bundle, issue, accompany: async () => [], onFailure: () => {} }),
    },
    { address: { host: "127.0.0.1", port: 0 }, tls, requireClientCertificate: false, graceMs: 100 },
  );
  const address = `127.0.0.1:${await port.listen()}`;
  const directory = createTemporaryDirectory(context);
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await port.close();
  });
  const proofFile = join(directory, "token");
  await writeFile(proofFile, proof);
  const clock = createFakeClock(now + aheadMs);
  const { log, lines } = createKeptLog();
  const trust = startTrustBundle(
    {
      kubernetes: { getConfigMap: async () => ({ "bundle.pem": state.published || state.bundle }) },
      clock,
      log,
      signal: stop.signal,
    },
    { namespace: "podrole", name: "podrole-trust" },
  );
  const attempts = createAttempts();
  const deps = {
    clock,
    log,
    signal: stop.signal,
    trust,
    onResult: (result: "ok" | "failed") => attempts.ended(result),
  };
  const serving = startRequestedCertificate(deps, {
    identityAddress: address,
    serverName: "podrole-server",
    proofFile,
  });
  if (published === "" && proof === "token") await serving.ready;
  const become = (change: Partial<typeof state>) => {
    Object.assign(state, change);
    for (const listener of changes) listener();
  };
  return { state, clock, serving, trust, attempts, become, lines };
}

suite("startRequestedCertificate()", () => {
  test("renews at once when its CA leaves the trust bundle", { timeout: 20_000 }, async (context) => {
    const { clock, serving, become } = await webhookBeside(context);
    const renewal = () => new Promise<void>((resolve) => void serving.onChange(resolve));
    for (const change of [{ bundle: BOTH }, { authority: NEW, bundle: NEW.certificatePem }]) {
      const renewed = renewal();
      become(change);
      await clock.advance(MINUTE_MS);
      await renewed;
    }
    assert.ok(isIssuedFrom(serving.current().certificatePem, NEW.certificatePem));
  });

  test("renews within 30 s after the machine was suspended beyond the certificate's lifetime", async (context) => {
    const { clock, serving, attempts } = await webhookBeside(context);
    assert.ok((serving.expiresInMs() ?? 0) > HOUR_MS - MINUTE_MS);
    clock.suspend(2 * HOUR_MS);
    assert.ok((serving.expiresInMs() ?? 0) <= -HOUR_MS);
    await clock.advance(30_000);
    await attempts.reach(2);
    assert.ok((serving.expiresInMs() ?? 0) > 0);
  });

  test("counts the lifetime from now, and requests once, with a clock that is 61 minutes ahead of the server's", async (context) => {
    const { clock, serving, attempts, state } = await webhookBeside(context, { aheadMs: 61 * MINUTE_MS });
    assert.ok((serving.expiresInMs() ?? 0) > HOUR_MS - MINUTE_MS);
    await clock.advance(20 * MINUTE_MS);
    assert.equal(state.issued, 1);
    await clock.advance(11 * MINUTE_MS);
    await attempts.reach(2);
    assert.equal(state.issued, 2);
  });

  test("keeps a valid certificate while a server whose clock is hours ahead issues none that is valid now", async (context) => {
    const { clock, serving, attempts, state, lines } = await webhookBeside(context);
    const before = serving.current().certificatePem;
    state.skewMs = 3 * HOUR_MS;
    await clock.advance(31 * MINUTE_MS);
    await attempts.reach(2);
    assert.equal(serving.current().certificatePem, before);
    assert.ok(lines.some(({ message }) => /not valid at this time/.test(String(message))));
    state.skewMs = 0;
    await clock.advance(30_000);
    await attempts.reach(3);
    assert.deepEqual(attempts.results, ["ok", "failed", "ok"]);
    assert.notEqual(serving.current().certificatePem, before);
  });

  test("requests one certificate for a bundle with a prepared next CA, and none after that", async (context) => {
    const { state, clock, trust, attempts, become } = await webhookBeside(context);
    become({ bundle: BOTH });
    await clock.advance(MINUTE_MS);
    await attempts.reach(2);
    await clock.advance(5 * MINUTE_MS);
    assert.equal(trust.current(), BOTH);
    // An attempt in these minutes would end before the one that this change causes.
    become({ authority: NEW, bundle: NEW.certificatePem });
    await clock.advance(MINUTE_MS);
    await attempts.reach(3);
    assert.deepEqual([state.issued, trust.current()], [3, NEW.certificatePem]);
  });

  test("sends no request with an empty proof file, and logs what is missing", async (context) => {
    const { state, attempts, lines } = await webhookBeside(context, { proof: "\n" });
    await attempts.reach(1);
    const failure = lines.find(({ message }) => /could not get a serving certificate/.test(String(message)));
    const { code, message } = (failure?.["err"] ?? {}) as { code?: string; message?: string };
    assert.equal(code, "PROOF_REJECTED");
    assert.match(
      message ?? "",
      /^Cannot prove the webhook: .*token has no token; expected the kubelet to have written one$/,
    );
    assert.equal(state.issued, 0);
  });

  test("starts with the published bundle, which the server confirms", async (context) => {
    const { serving, trust } = await webhookBeside(context);
    await trust.ready;
    assert.equal(trust.current(), OLD.certificatePem);
    assert.ok(isIssuedFrom(serving.current().certificatePem, OLD.certificatePem));
  });

  for (const [what, published] of [
    ["another CA", NEW.certificatePem],
    ["the server's CA and another one", BOTH],
  ] as const) {
    test(`keeps the adopted bundle when ${what} is written into the ConfigMap, and pods get it`, async (context) => {
      const { clock, trust, attempts, become } = await webhookBeside(context);
      become({ published });
      await clock.advance(MINUTE_MS);
      await attempts.reach(2);
      assert.equal(await bundleOfNewPod(trust), OLD.certificatePem);
      become({ published: "" });
      await clock.advance(2 * MINUTE_MS);
      assert.equal(await bundleOfNewPod(trust), OLD.certificatePem);
    });

    test(`adopts nothing when ${what} is in the ConfigMap at the start, and recovers`, async (context) => {
      const { state, clock, trust, serving, attempts, become, lines } = await webhookBeside(context, { published });
      for (let count = 1; count <= 5; count++) {
        await attempts.reach(count);
        await clock.advance(MAX_WAIT);
      }
      assert.ok(!attempts.results.includes("ok"));
      assert.equal(trust.current(), undefined);
      assert.throws(() => serving.current(), { code: "INTERNAL" });
      // A server whose CA is not in the bundle is not reached at all.
      assert.equal(/BUNDLE_UNCONFIRMED/.test(JSON.stringify(lines)), published === BOTH);
      become({ published: "" });
      // The attempt under way may have read the previous content.
      for (let count = 6; trust.current() === undefined; count++) {
        await attempts.reach(count);
        await clock.advance(MAX_WAIT);
      }
      assert.equal(trust.current(), state.bundle);
    });
  }

  test("adopts a bundle that the adopted one cannot verify: the CA was replaced at once", async (context) => {
    const { clock, serving, trust, attempts, become } = await webhookBeside(context);
    become({ authority: NEW, bundle: NEW.certificatePem });
    await clock.advance(MINUTE_MS);
    await attempts.reach(2);
    assert.equal(trust.current(), NEW.certificatePem);
    assert.ok(isIssuedFrom(serving.current().certificatePem, NEW.certificatePem));
  });
});

async function bundleOfNewPod(trust: TrustBundle): Promise<string | undefined> {
  const { log } = createKeptLog();
  const clock = createFakeClock(now);
  const lookups = createPodContextReader({ clock, cluster: createFakeCluster() }, { timeoutMs: 3_000 });
  const settings = (): PlanSettings => ({ ...PLAN_SETTINGS, trustBundle: trust.current() ?? "" });
  const admit = createAdmissionHandler({ clock, log, audit: () => {}, lookups, settings });
  const read = readAdmissionReview(reviewOf(annotatedPod()));
  assert.ok(read.ok);
  const { response } = await admit(read.value);
  const patched = applyPatch<Pod>(annotatedPod(), response.patch ?? "[]");
  const sidecar = patched.spec.initContainers?.find(({ name }) => name === "podrole-sidecar");
  return sidecar?.env?.find(({ name }) => name === "PODROLE_TRUST_BUNDLE")?.value;
}
