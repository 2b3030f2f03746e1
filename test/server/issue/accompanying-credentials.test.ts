// The identity port's answer with credentials: the function alone, and over the wire.
import assert from "node:assert/strict";
import { type TestContext, test } from "node:test";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { requestCertificate } from "../../../src/protocol/client.ts";
import { PodroleError } from "../../../src/protocol/errors.ts";
import { createListener } from "../../../src/protocol/listener.ts";
import { HOUR_MS, systemClock } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createAccompanyingCredentials } from "../../../src/server/issue/accompanying-credentials.ts";
import type { IssuedIdentity } from "../../../src/server/issue/issue-certificate.ts";
import type { IssueResult } from "../../../src/server/issue/issue-credentials.ts";
import { identityService } from "../../../src/server/issue/services.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { newLeaf, SAMPLE_POD } from "../../pki/samples.ts";

const REFUSED: IssueResult = { container: "app", refusal: { code: "ROLE_MISSING", message: "Cannot" } };

function setUp(issue: () => Promise<readonly IssueResult[]> = async () => [REFUSED]) {
  const clock = createFakeClock();
  const calls: unknown[] = [];
  const accompany = createAccompanyingCredentials({
    clock,
    issuer: {
      issue(...call) {
        calls.push(call);
        return issue();
      },
    },
  });
  const fetching = Promise.withResolvers<void>();
  const pod = { identity: SAMPLE_POD, prefetched: fetching.promise };
  return { clock, calls, pod, fetched: fetching.resolve, accompany };
}

test("createAccompanyingCredentials() issues to the proven pod once its credentials have been fetched", async () => {
  const { clock, calls, pod, fetched, accompany } = setUp();
  const results = accompany(pod, ["app"], "peer");
  await clock.advance(1_900);
  assert.deepEqual(calls, [], "a call would wait for STS");
  fetched();
  assert.deepEqual(await results, [REFUSED]);
  assert.deepEqual(
    calls.map((call) => (call as readonly unknown[]).slice(0, 3)),
    [[SAMPLE_POD, ["app"], "peer"]],
  );
});

test("createAccompanyingCredentials() waits at most 2 s, and then issues and records nothing", async () => {
  const { clock, calls, pod, fetched, accompany } = setUp();
  const results = accompany(pod, ["app"], "peer");
  await clock.advance(2_000);
  assert.deepEqual(await results, []);
  fetched();
  await clock.advance(1);
  assert.deepEqual(calls, []);
});

test("createAccompanyingCredentials() waits no longer once its place is needed, and then issues and records nothing", async () => {
  const { clock, calls, pod, fetched, accompany } = setUp();
  const wait = new AbortController();
  const results = accompany(pod, ["app"], "peer", wait.signal);
  await clock.advance(100);
  wait.abort();
  assert.deepEqual(await results, []);
  assert.deepEqual(await accompany(pod, ["app"], "peer", wait.signal), []);
  fetched();
  await clock.advance(1);
  assert.deepEqual(calls, []);
});

test("createAccompanyingCredentials() waits no longer for a second turn at STS than for the first", async () => {
  const waitsForTurn = () => new Promise<readonly IssueResult[]>(() => {});
  const late = setUp(waitsForTurn);
  const results = late.accompany(late.pod, ["app"], "peer");
  late.fetched();
  await late.clock.advance(2_000);
  assert.deepEqual(await results, []);
  const needed = setUp(waitsForTurn);
  const wait = new AbortController();
  const given = needed.accompany(needed.pod, ["app"], "peer", wait.signal);
  needed.fetched();
  await needed.clock.advance(100);
  wait.abort();
  assert.deepEqual(await given, []);
  assert.equal(needed.calls.length, 1);
});

test("createAccompanyingCredentials() returns nothing for a pod that is refused as a whole, or names no container", async () => {
  const refused = setUp(() => Promise.reject(new PodroleError("POD_UNKNOWN", "Cannot")));
  refused.fetched();
  assert.deepEqual(await refused.accompany(refused.pod, ["app"], "peer"), []);
  const unasked = setUp();
  unasked.fetched();
  assert.deepEqual(await unasked.accompany(unasked.pod, [], "peer"), []);
  assert.deepEqual(unasked.calls, []);
});

/**
 * An identity port that issues `issued`, or refuses; resolves with its answer to a request for `containers`. Peers of
 * accepted calls are added to `provenPeers`.
 */
async function answerOf(
  context: TestContext,
  issued: IssuedIdentity | PodroleError,
  containers: readonly string[] | undefined,
  provenPeers: string[] = [],
) {
  const authority = createAuthority({ commonName: "CA", now: Date.now(), lifetimeMs: 10 * HOUR_MS });
  const serving = newLeaf(authority, { kind: "serving", dnsNames: ["server"], ipAddresses: [] }, Date.now());
  const requested: (readonly string[])[] = [];
  const service = identityService({
    bundlePem: () => "bundle",
    onFailure: () => {},
    async issue() {
      if (issued instanceof PodroleError) throw issued;
      return issued;
    },
    onProven: (peer) => provenPeers.push(peer),
    async accompany(_pod, names) {
      requested.push(names);
      return names.map((container) => ({ ...REFUSED, container }));
    },
  });
  const tls = {
    current: () => ({ certificatePem: serving.pem, privateKey: serving.key }),
    onChange: () => () => {},
  };
  const listener = createListener(
    { clock: systemClock, ...service },
    { address: { host: "127.0.0.1", port: 0 }, tls, requireClientCertificate: false, graceMs: 200 },
  );
  context.after(() => listener.close());
  const address = `127.0.0.1:${await listener.listen()}`;
  const endpoint = { address, serverName: "server", bundlePem: authority.certificatePem };
  const proof = {
    token: new Secret("token"),
    csr: Buffer.from("csr"),
    bundleHash: "",
    ...(containers && { containers }),
  };
  const { certificate, grants } = await requestCertificate(endpoint, proof, 5_000);
  assert.equal(certificate, "leaf");
  return { requested, provenPeers, granted: grants.map(({ container }) => container) };
}

const ISSUED = { pem: "leaf", serial: "1", notBefore: 0, notAfter: 0 };
const PROVEN: IssuedIdentity = { ...ISSUED, pod: { identity: SAMPLE_POD, prefetched: Promise.resolve() } };

test("identityService() returns the grants of the requested containers, each once, with the certificate", async (context) => {
  const { requested, granted } = await answerOf(context, PROVEN, ["app", "job", "app"]);
  assert.deepEqual(requested, [["app", "job"]]);
  assert.deepEqual(granted, ["app", "job"]);
});

test("identityService() returns no grants to a caller that names no containers, as callers of earlier versions", async (context) => {
  assert.deepEqual((await answerOf(context, PROVEN, undefined)).granted, []);
});

test("identityService() reports the peer of a call whose token was accepted, and of no other", async (context) => {
  for (const issued of [PROVEN, ISSUED]) {
    const { provenPeers } = await answerOf(context, issued, ["app"]);
    assert.match(provenPeers.join(), /^127\.0\.0\.1:\d+$/);
  }
  const refused = new PodroleError("PROOF_REJECTED", "Cannot accept the ServiceAccount token: it has expired");
  const provenPeers: string[] = [];
  await assert.rejects(answerOf(context, refused, ["app"], provenPeers), { code: "PROOF_REJECTED" });
  assert.deepEqual(provenPeers, []);
});

test("identityService() requests no credentials for the webhook", async (context) => {
  const { requested, granted } = await answerOf(context, ISSUED, ["app"]);
  assert.deepEqual([requested, granted], [[], []]);
});

for (const [what, containers] of [
  ["more than 128 containers", Array.from({ length: 129 }, (_, index) => `c${index}`)],
  ["a name with a newline", ["app", "app\nEvent"]],
] as const) {
  test(`identityService() requests no credentials for ${what}`, async (context) => {
    const { requested, granted } = await answerOf(context, PROVEN, containers);
    assert.deepEqual([requested, granted], [[], []]);
  });
}
