import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createAuthority } from "../../../src/pki/certificate.ts";
import { createCsr } from "../../../src/pki/csr.ts";
import { podIdentityOf } from "../../../src/pki/identity.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import { type PodroleError, type Refusal, refuse } from "../../../src/protocol/errors.ts";
import { HOUR_MS, MINUTE_MS } from "../../../src/runtime/clock.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { createCertificateIssuer } from "../../../src/server/issue/issue-certificate.ts";
import { knownPodOf } from "../../../src/server/issue/known-pod.ts";
import { createRepeatSampler, type RepeatSampler } from "../../../src/server/issue/repeat-sampler.ts";
import type { ProvenPod } from "../../../src/server/issue/verify-proof.ts";
import { createFakeClock } from "../../fakes/clock.ts";
import { injectedPod } from "../../injection/injected-pod.ts";

const clock = createFakeClock();
const authority = createAuthority({ commonName: "test CA", now: clock.now(), lifetimeMs: 1_000 * HOUR_MS });
const POD: ProvenPod = {
  known: knownPodOf(injectedPod({ name: "web", namespace: "team", uid: "u-1" }), {}),
  namespace: "team",
  name: "web",
  uid: "u-1",
  serviceAccount: "app",
  credentialId: "JTI=1",
};

function setUp(caller: ProvenPod | Refusal, repeats?: Pick<RepeatSampler, "write">) {
  const audit: Readonly<Record<string, unknown>>[] = [];
  const prefetched: string[] = [];
  const issue = createCertificateIssuer(
    {
      clock,
      audit: (line) => audit.push({ ...line }),
      verifyProof: async () => caller,
      authority: () => authority,
      prefetch: async ({ name }) => void prefetched.push(name),
      ...(repeats && { repeats }),
    },
    {
      trustDomain: "cluster.local",
      lifetimeMs: HOUR_MS,
      webhook: {
        namespace: "podrole",
        serviceAccount: "podrole-webhook",
        dnsNames: ["podrole-webhook.podrole.svc"],
        ipAddresses: ["127.0.0.1"],
      },
    },
  );
  return { issue, audit, prefetched, clock };
}

const csr = (name: string) => createCsr(generateKeyPem(), name);

test("createCertificateIssuer() certifies the proven pod, ignores the names in the CSR, and prefetches its credentials", async () => {
  const { issue, audit, prefetched } = setUp(POD);
  const { pem, notAfter, pod } = await issue(new Secret("token"), csr("kube-system/root"), "peer");
  const identity = {
    trustDomain: "cluster.local",
    namespace: "team",
    serviceAccount: "app",
    name: "web",
    uid: "u-1",
  };
  assert.deepEqual(podIdentityOf(new X509Certificate(pem).raw, "cluster.local"), identity);
  assert.deepEqual(pod?.identity, identity);
  assert.doesNotMatch(new X509Certificate(pem).toString(), /kube-system/);
  assert.ok(notAfter <= clock.now() + HOUR_MS);
  assert.deepEqual(prefetched, ["web"]);
  assert.deepEqual([audit[0]?.["decision"], audit[0]?.["credentialId"]], ["issued", "JTI=1"]);
});

test("createCertificateIssuer() records what a pod repeats with their number, whether it gets a certificate or not", async () => {
  const known = knownPodOf({ metadata: { name: "web" }, spec: { containers: [{ name: "app" }] } }, {});
  for (const [caller, decision] of [
    [POD, "issued"],
    [{ ...POD, known }, "refused"],
  ] as const) {
    const repeats = createRepeatSampler({ clock }, { most: 2 });
    const { issue, audit } = setUp(caller, repeats);
    for (let call = 1; call <= 5; call++) await issue(new Secret("token"), csr(""), `10.0.0.1:${call}`).catch(() => {});
    await issue(new Secret("token"), csr(""), "10.0.0.2:1").catch(() => {});
    assert.deepEqual(
      audit.map((line) => [line["decision"], line["peer"]]),
      [
        [decision, "10.0.0.1:1"],
        [decision, "10.0.0.1:2"],
        [decision, "10.0.0.2:1"],
      ],
    );
    await clock.advance(MINUTE_MS);
    repeats.sweep();
    assert.deepEqual([audit.at(-1)?.["peer"], audit.at(-1)?.["omitted"]], ["10.0.0.1:5", 2]);
  }
});

test("createCertificateIssuer() issues the webhook's ServiceAccount a serving certificate for the configured names", async () => {
  // The webhook's own pod is not injected.
  const pod = { metadata: { name: "webhook" }, spec: { containers: [{ name: "webhook" }] } };
  const webhook = { ...POD, pod, namespace: "podrole", serviceAccount: "podrole-webhook" };
  const { issue, prefetched } = setUp(webhook);
  const { pem, pod: accompanied } = await issue(new Secret("token"), csr("evil.example"), "peer");
  assert.equal(accompanied, undefined);
  const { subjectAltName } = new X509Certificate(pem);
  assert.match(subjectAltName ?? "", /DNS:podrole-webhook\.podrole\.svc/);
  assert.doesNotMatch(subjectAltName ?? "", /spiffe|evil/);
  assert.deepEqual(prefetched, []);
});

test("createCertificateIssuer() issues a pod certificate to a ServiceAccount of that name in another namespace", async () => {
  const { issue } = setUp({ ...POD, serviceAccount: "podrole-webhook" });
  const { pem } = await issue(new Secret("token"), csr("web"), "peer");
  assert.match(new X509Certificate(pem).subjectAltName ?? "", /^URI:spiffe:/);
});

test("createCertificateIssuer() rejects a caller without proof, and records it in the audit trail", async () => {
  const { issue, audit, prefetched } = setUp(refuse("PROOF_REJECTED", "Cannot accept the token"));
  await assert.rejects(issue(new Secret("stolen-token"), csr("web"), "peer"), { code: "PROOF_REJECTED" });
  assert.equal(audit[0]?.["reason"], "PROOF_REJECTED");
  assert.doesNotMatch(JSON.stringify(audit), /stolen-token/);
  assert.deepEqual(prefetched, []);
});

test("createCertificateIssuer() records few refusals of callers without proof, with the number of the others", async () => {
  for (const code of ["PROOF_REJECTED", "KUBERNETES_UNAVAILABLE"] as const) {
    const { issue, audit, clock: own } = setUp(refuse(code, "Cannot accept the token"));
    const call = () => assert.rejects(issue(new Secret("token"), csr("web"), "peer"), { code });
    for (let index = 0; index < 25; index++) await call();
    assert.equal(audit.length, 10);
    assert.ok(audit.every((line) => !("omitted" in line)));
    await own.advance(60_000);
    await call();
    assert.deepEqual([audit.length, audit[10]?.["omitted"]], [11, 15]);
  }
});

test("createCertificateIssuer() records each refusal of a caller whose token was accepted", async () => {
  const { issue, audit } = setUp(refuse("POD_UNKNOWN", "Cannot identify pod"));
  for (let index = 0; index < 25; index++) {
    await assert.rejects(issue(new Secret("token"), csr("web"), "peer"), { code: "POD_UNKNOWN" });
  }
  assert.equal(audit.length, 25);
});

test("createCertificateIssuer() rejects an unreadable CSR, and records the pod that sent it", async () => {
  const { issue, audit } = setUp(POD);
  await assert.rejects(issue(new Secret("token"), Buffer.from("no CSR"), "peer"), { code: "REQUEST_INVALID" });
  assert.deepEqual([audit[0]?.["reason"], audit[0]?.["pod"]], ["REQUEST_INVALID", "web"]);
});

test("POD_NOT_INJECTED: createCertificateIssuer() issues no certificate to a pod without podrole's parts", async () => {
  const { metadata } = injectedPod({ name: "web", namespace: "team", uid: "u-1" });
  const known = knownPodOf({ metadata, spec: { containers: [{ name: "app" }] } }, {});
  const { issue, audit, prefetched } = setUp({ ...POD, known });
  await assert.rejects(issue(new Secret("token"), csr("web"), "peer"), { code: "POD_NOT_INJECTED" });
  assert.deepEqual(
    audit.map(({ decision, reason, pod: name }) => [decision, reason, name]),
    [["refused", "POD_NOT_INJECTED", "web"]],
  );
  assert.deepEqual(prefetched, []);
});

test("createCertificateIssuer() signs nothing for a caller that has left while it was proved", async () => {
  const { issue, audit, prefetched } = setUp(POD);
  const issued = issue(new Secret("token"), csr("web"), "peer", AbortSignal.abort());
  await assert.rejects(issued, { code: "SERVER_OVERLOADED" });
  assert.deepEqual([audit, prefetched], [[], []]);
});

test("createCertificateIssuer() says when to retry while too many tokens are under review", async () => {
  const { issue } = setUp(refuse("SERVER_OVERLOADED", "Cannot review the token: too many reviews"));
  await assert.rejects(issue(new Secret("token"), csr("web"), "peer"), (error: PodroleError) => {
    assert.equal(error.code, "SERVER_OVERLOADED");
    assert.ok(Number(error.retryAfterMs) >= 2_000);
    return true;
  });
});
