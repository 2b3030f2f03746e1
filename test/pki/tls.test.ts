// What the certificates are for: TLS with node:tls, where a wrong bit shows. Real time, because OpenSSL has no other.
import assert from "node:assert/strict";
import { once } from "node:events";
import { test } from "node:test";
import { connect, createServer, type TLSSocket } from "node:tls";
import { joinBundle } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority, type Subject } from "../../src/pki/certificate.ts";
import { type PodIdentity, podIdentityOf } from "../../src/pki/identity.ts";
import type { Refusal } from "../../src/protocol/errors.ts";
import { HOUR_MS, systemClock } from "../../src/runtime/clock.ts";
import { bindLoopback } from "../loopback.ts";
import { caConstraints, newKey, newLeaf, oddCertificate, POD_SUBJECT, SAMPLE_POD } from "./samples.ts";

const NOW = systemClock.now();
const SERVING: Subject = { kind: "serving", dnsNames: ["podrole.podrole.svc"], ipAddresses: ["127.0.0.1"] };
const newCa = (commonName = "podrole CA"): Authority =>
  createAuthority({ commonName, now: NOW, lifetimeMs: 24 * HOUR_MS });

interface Side {
  readonly authority: Authority;
  readonly subject?: Subject;
  /** What it believes. */
  readonly bundle: string;
}

/** The identity that the server reads off the client's certificate; rejects with the error of whoever hangs up. */
async function shakeHands(
  server: Side,
  client: Side,
  servername = "podrole.podrole.svc",
): Promise<PodIdentity | Refusal> {
  const serving = newLeaf(server.authority, server.subject ?? SERVING, NOW);
  const pod = newLeaf(client.authority, client.subject ?? POD_SUBJECT, NOW);
  const listener = createServer({ cert: serving.pem, key: serving.key.reveal(), ca: server.bundle, requestCert: true });
  const port = await bindLoopback(listener);
  const options = { port, host: "127.0.0.1", servername, cert: pod.pem, key: pod.key.reveal(), ca: client.bundle };
  const accepted = new Promise<PodIdentity | Refusal>((resolve, reject) => {
    listener.on("secureConnection", (socket: TLSSocket) => {
      const { raw } = socket.getPeerCertificate();
      resolve(podIdentityOf(raw, "cluster.local"));
      socket.end();
    });
    listener.on("tlsClientError", reject);
  });
  const socket = connect(options);
  const refused = new Promise<never>((_, reject) => socket.on("error", reject));
  try {
    const identity = Promise.race([accepted, refused]);
    const [result] = await Promise.all([identity, Promise.race([once(socket, "secureConnect"), refused])]);
    return result;
  } finally {
    await Promise.allSettled([accepted, Promise.race([refused, once(socket, "close")])]);
    socket.destroy();
    listener.close();
  }
}

const CA = newCa();
const OTHER = newCa();
const both = (authority: Authority, bundle = authority.certificatePem): Side => ({ authority, bundle });

test("issueCertificate(): a pod and the server shake hands, and the server knows the pod", async () => {
  assert.deepEqual(await shakeHands(both(CA), both(CA)), SAMPLE_POD);
});

test("issueCertificate(): a pod certificate of another CA of the same name is denied", async () => {
  await assert.rejects(shakeHands(both(CA), { authority: OTHER, bundle: CA.certificatePem }));
});

test("issueCertificate(): a server of another CA is denied", async () => {
  const server = { authority: OTHER, bundle: CA.certificatePem };
  await assert.rejects(shakeHands(server, both(CA)), {
    code: /UNABLE_TO_VERIFY_LEAF_SIGNATURE|CERT_SIGNATURE_FAILURE/,
  });
});

test("issueCertificate(): a server is denied under a name that its certificate does not have", async () => {
  await assert.rejects(shakeHands(both(CA), both(CA), "sts.amazonaws.com"), { code: "ERR_TLS_CERT_ALTNAME_INVALID" });
});

test("issueCertificate(): a pod certificate cannot serve", async () => {
  await assert.rejects(shakeHands({ ...both(CA), subject: POD_SUBJECT }, both(CA)), { code: "INVALID_PURPOSE" });
});

test("issueCertificate(): a serving certificate is no client's", async () => {
  await assert.rejects(shakeHands(both(CA), { ...both(CA), subject: SERVING }));
});

for (const names of [
  ["podrole CA", "podrole CA"],
  ["podrole CA 2026-01-01", "podrole CA 2026-11-01"],
] as const) {
  test(`issueCertificate(): both sides of a rotation shake hands while their bundles have both CAs (${names.join(", ")})`, async () => {
    const [current, next] = [newCa(names[0]), newCa(names[1])];
    const bundle = joinBundle([current.certificatePem, next.certificatePem]);
    assert.deepEqual(await shakeHands({ authority: next, bundle }, { authority: current, bundle }), SAMPLE_POD);
    assert.deepEqual(await shakeHands({ authority: current, bundle }, { authority: next, bundle }), SAMPLE_POD);
    assert.deepEqual(
      await shakeHands({ authority: next, bundle: next.certificatePem }, { authority: next, bundle }),
      SAMPLE_POD,
    );
  });
}

const extensions = [caConstraints()];
const life = { notBefore: NOW - HOUR_MS, notAfter: NOW + HOUR_MS };
const [rootKey, signingKey] = [newKey("rsa"), newKey("secp384r1")];
const root = oddCertificate({ name: "root", key: rootKey, extensions, ...life });
const signing = oddCertificate({
  name: "signing",
  key: signingKey,
  issuer: { name: "root", key: rootKey },
  extensions,
  ...life,
});

test("issueCertificate(): leaves of an operator's intermediate shake hands with whoever believes the root", async () => {
  const authority = { certificatePem: signing + root, key: signingKey };
  assert.deepEqual(await shakeHands(both(authority, root), both(authority, root)), SAMPLE_POD);
  assert.deepEqual(await shakeHands(both(authority), both(authority)), SAMPLE_POD);
});

test("issueCertificate(): leaves of an intermediate are denied where the bundle has no root, so readAuthority() wants it", async () => {
  const authority = { certificatePem: signing, key: signingKey };
  await assert.rejects(shakeHands(both(authority), both(authority)), { code: /UNABLE_TO_GET_ISSUER_CERT/ });
});
