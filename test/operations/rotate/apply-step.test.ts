// The operator's steps beside two servers, on the Secret of the API server emulator: each step and its refusal.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { applyStep } from "../../../src/operations/rotate/apply-step.ts";
import { type Authorities, decodeAuthorities, type RotationStepOptions } from "../../../src/pki/authorities.ts";
import { readCertificates, splitBundle } from "../../../src/pki/bundle.ts";
import { HOUR_MS } from "../../../src/runtime/clock.ts";
import type { Result } from "../../../src/runtime/result.ts";
import { trustFromSecret } from "../../../src/server/trust/trust-secret.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { createKeptLog } from "../../fakes/log.ts";
import { startCluster } from "../../kubernetes/harness.ts";

const SETTLED = HOUR_MS + 600_000;
const ROTATION: RotationStepOptions = { commonName: "podrole CA", lifetimeMs: 8760 * HOUR_MS, leafLifetimeMs: HOUR_MS };
const OPTIONS = {
  secret: { namespace: "podrole", name: "podrole-ca" },
  trustConfigMap: { namespace: "podrole", name: "podrole-trust" },
  webhookConfiguration: "podrole",
  rotation: ROTATION,
};

async function rotating(context: TestContext) {
  const { emulator, connect } = await startCluster(context);
  emulator.store.create("namespaces", { metadata: { name: "podrole" } });
  emulator.store.create("mutatingwebhookconfigurations", {
    metadata: { name: "podrole" },
    webhooks: [{ name: "pods.podrole.io", clientConfig: { url: "https://127.0.0.1:1/mutate" } }],
  });
  const [kubernetes, clock] = [await connect(), createFakeClock()];
  const { log } = createKeptLog();
  const read = trustFromSecret(
    { kubernetes, ownership: async () => ({}), clock, log },
    { ...OPTIONS.secret, rotation: ROTATION },
  );
  /** What each server does each minute. */
  const serverChecks = async () => {
    const trust = await read();
    await kubernetes.putConfigMap("podrole", "podrole-trust", { "bundle.pem": trust.bundlePem });
    await kubernetes.setCaBundle("podrole", trust.bundlePem);
    return trust;
  };
  const held = async () =>
    decodeAuthorities((await kubernetes.getSecret("podrole", "podrole-ca"))?.data ?? {}) as Authorities;
  await serverChecks();
  const deps = { kubernetes, clock };
  const act = (verb: "prepare" | "activate" | "retire", force = false) =>
    applyStep(verb, deps, { ...OPTIONS, rotation: { ...ROTATION, force } });
  return { kubernetes, clock, deps, serverChecks, held, act };
}

const done = (result: Result<Authorities>) => (result.ok ? result.value : assert.fail(result.problem));
const refused = (result: Result<Authorities>) => (result.ok ? assert.fail("it was applied") : result.problem);

suite("applyStep()", () => {
  test("refuses activate although the setting was lowered after certificates were issued", async (context) => {
    const { clock, deps, act, serverChecks } = await rotating(context);
    done(await act("prepare"));
    await serverChecks();
    await clock.advance(20 * 60_000);
    for (const leafLifetimeMs of [600_000, 60_000]) {
      const lowered = { ...OPTIONS, rotation: { ...ROTATION, leafLifetimeMs } };
      assert.match(refused(await applyStep("activate", deps, lowered)), /published too recently: wait 50 minutes/);
    }
    await clock.advance(SETTLED);
    done(await act("activate"));
  });

  test("rotates step by step: refuses each step that is too early, and the servers follow", async (context) => {
    const { clock, act, serverChecks, held } = await rotating(context);
    const old = await serverChecks();
    const prepared = done(await act("prepare"));
    assert.match(refused(await act("prepare")), /already a next CA/);

    await clock.advance(SETTLED);
    assert.match(refused(await act("activate")), /not in ConfigMap podrole\/podrole-trust/);
    const published = await serverChecks();
    assert.equal(splitBundle(published.bundlePem).length, 2);
    assert.equal(published.authority.certificatePem, old.authority.certificatePem);

    done(await act("activate"));
    const signing = await serverChecks();
    assert.equal(signing.authority.certificatePem, prepared.next?.authority.certificatePem);
    assert.equal(signing.bundlePem, published.bundlePem);
    assert.equal((await held()).previous?.certificatePem, old.authority.certificatePem);

    assert.match(refused(await act("retire")), /still valid: wait 70 minutes/);
    await clock.advance(SETTLED);
    done(await act("retire"));
    assert.deepEqual(splitBundle((await serverChecks()).bundlePem), splitBundle(signing.authority.certificatePem));
  });

  test("refuses to activate a CA that was published too recently, or is missing in caBundle", async (context) => {
    const { kubernetes, clock, act, serverChecks } = await rotating(context);
    const before = (await serverChecks()).bundlePem;
    done(await act("prepare"));
    await serverChecks();
    assert.match(refused(await act("activate")), /published too recently: wait 70 minutes/);
    await clock.advance(SETTLED);
    await kubernetes.setCaBundle("podrole", before);
    assert.match(refused(await act("activate")), /not in caBundle of webhook pods\.podrole\.io/);
    await serverChecks();
    done(await act("activate"));
  });

  test("force applies all steps at once, and the servers follow", async (context) => {
    const { act, serverChecks, held } = await rotating(context);
    const old = await serverChecks();
    const first = done(await act("prepare"));
    const second = done(await act("prepare", true));
    assert.notEqual(second.next?.authority.certificatePem, first.next?.authority.certificatePem);
    done(await act("activate", true));
    done(await act("retire", true));
    const now = await serverChecks();
    assert.equal(now.authority.certificatePem, second.next?.authority.certificatePem);
    const believed = readCertificates(now.bundlePem);
    assert.ok(believed.every((one) => one.toString() !== old.authority.certificatePem));
    assert.deepEqual([(await held()).next, (await held()).previous], [undefined, undefined]);
  });

  test("force does not apply a step without effect", async (context) => {
    const { act } = await rotating(context);
    assert.match(refused(await act("activate", true)), /prepare one first/);
    assert.match(refused(await act("retire", true)), /no previous CA/);
  });

  test("starts over when a server changed the Secret meanwhile", async (context) => {
    const { deps, act, held } = await rotating(context);
    let raced = false;
    const kubernetes = {
      ...deps.kubernetes,
      async getSecret(namespace: string, name: string) {
        const secret = await deps.kubernetes.getSecret(namespace, name);
        if (!raced) {
          raced = true;
          done(await act("prepare"));
        }
        return secret;
      },
    };
    assert.match(refused(await applyStep("prepare", { ...deps, kubernetes }, OPTIONS)), /already a next CA/);
    assert.ok((await held()).next);
  });

  test("applies one of two concurrent prepare steps", async (context) => {
    const { act } = await rotating(context);
    const results = await Promise.all([act("prepare"), act("prepare"), act("prepare")]);
    assert.equal(results.filter(({ ok }) => ok).length, 1);
  });

  test("reports that there is no CA yet", async (context) => {
    const { deps } = await rotating(context);
    const options = { ...OPTIONS, secret: { namespace: "podrole", name: "other" } };
    assert.match(refused(await applyStep("prepare", deps, options)), /holds no CA yet/);
  });
});
