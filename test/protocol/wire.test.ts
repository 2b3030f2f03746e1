// Client and listener over real sockets and real TLS: refusals as codes, certificates that change on a live port.
import assert from "node:assert/strict";
import { createPrivateKey, createPublicKey, X509Certificate } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { type TestContext, test } from "node:test";
import { until } from "../../emulators/until.ts";
import { joinBundle } from "../../src/pki/bundle.ts";
import { type Authority, createAuthority, issueCertificate, type Subject } from "../../src/pki/certificate.ts";
import { generateKeyPem } from "../../src/pki/keys.ts";
import { getCredentials, requestCertificate } from "../../src/protocol/client.ts";
import { PodroleError } from "../../src/protocol/errors.ts";
import { CredentialsService, IdentityService } from "../../src/protocol/generated/podrole/v1/podrole.ts";
import { createListener, type Peer, unary } from "../../src/protocol/listener.ts";
import type { TlsMaterial } from "../../src/protocol/tls.ts";
import { systemClock as clock, HOUR_MS } from "../../src/runtime/clock.ts";
import { Secret } from "../../src/runtime/secret.ts";

const SERVING: Subject = { kind: "serving", dnsNames: ["podrole-server"], ipAddresses: [] };
const POD: Subject = { kind: "pod", uri: "spiffe://cluster.local/ns/team/sa/app/pod/web/u-1" };

const makeAuthority = (commonName: string) =>
  createAuthority({ commonName, now: clock.now(), lifetimeMs: 1_000 * HOUR_MS });

function leaf(authority: Authority, subject: Subject, lifetimeMs = HOUR_MS) {
  const privateKey = generateKeyPem();
  const publicKey = createPublicKey(createPrivateKey(privateKey.reveal()));
  const { pem } = issueCertificate({ authority, publicKey, subject, now: clock.now(), lifetimeMs });
  return { privateKey, certificatePem: pem };
}

const material = (authority: Authority, clientBundlePem?: string): TlsMaterial => ({
  ...leaf(authority, SERVING),
  ...(clientBundlePem !== undefined && { clientBundlePem }),
});

function changing(first: TlsMaterial) {
  let material = first;
  const listeners = new Set<() => void>();
  return {
    current: () => material,
    onChange(listener: () => void) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    change(next: TlsMaterial) {
      material = next;
      for (const listener of listeners) listener();
    },
  };
}

const OPTIONS = { address: { host: "127.0.0.1", port: 0 }, graceMs: 200 };
const at = (port: number, bundlePem: string, serverName = "podrole-server") => ({
  address: `127.0.0.1:${port}`,
  serverName,
  bundlePem,
});
const PROOF = { token: new Secret("token"), csr: Buffer.from("csr"), bundleHash: "" };

async function identityPort(context: TestContext, tls: ReturnType<typeof changing>, refusal?: PodroleError) {
  const failures: PodroleError[] = [];
  const issue = unary(
    async ({ token }: { readonly token: string }) => {
      if (refusal) throw refusal;
      return { certificate: `for ${token}`, bundle: "", grants: [] };
    },
    (error) => failures.push(error),
  );
  const listener = createListener(
    { clock, service: IdentityService, implementation: { issueCertificate: issue } },
    { ...OPTIONS, tls, requireClientCertificate: false },
  );
  context.after(() => listener.close());
  return { port: await listener.listen(), failures, listener };
}

async function credentialsPort(context: TestContext, tls: ReturnType<typeof changing>) {
  const peers: Peer[] = [];
  const answer = unary(
    async (_request: unknown, peer) => {
      peers.push(peer);
      return { grants: [], bundle: "" };
    },
    () => {},
  );
  const listener = createListener(
    { clock, service: CredentialsService, implementation: { getCredentials: answer } },
    { ...OPTIONS, tls, requireClientCertificate: true },
  );
  context.after(() => listener.close());
  return { port: await listener.listen(), peers };
}

const REQUEST = { containers: ["app"], bundleHash: "" };

test("requestCertificate() resolves with the certificate", async (context) => {
  const authority = makeAuthority("one");
  const { port } = await identityPort(context, changing(material(authority)));
  const { certificate } = await requestCertificate(at(port, authority.certificatePem), PROOF, 5_000);
  assert.equal(certificate, "for token");
});

test("requestCertificate() rejects with the code of a refusal, with its retry-after time and without its cause", async (context) => {
  const authority = makeAuthority("one");
  const cause = new TypeError("hidden");
  const refusal = new PodroleError("POD_UNKNOWN", "Cannot identify the pod: gone", { retryAfterMs: 700, cause });
  const { port, failures } = await identityPort(context, changing(material(authority)), refusal);
  await assert.rejects(requestCertificate(at(port, authority.certificatePem), PROOF, 5_000), (error: PodroleError) => {
    assert.deepEqual([error.code, error.message, error.retryAfterMs], ["POD_UNKNOWN", refusal.message, 700]);
    assert.equal(error.cause, undefined);
    return true;
  });
  assert.deepEqual(failures, [refusal]);
});

for (const [what, endpoint, problem] of [
  ["another CA", (port: number) => at(port, makeAuthority("other").certificatePem), /SELF_SIGNED|UNABLE_TO_VERIFY/],
  ["another name", (port: number, pem: string) => at(port, pem, "evil.example"), /ERR_TLS_CERT_ALTNAME_INVALID/],
] as const) {
  test(`requestCertificate() sends no token to a server with ${what}`, async (context) => {
    const authority = makeAuthority("one");
    const { port, failures } = await identityPort(context, changing(material(authority)));
    const request = requestCertificate(endpoint(port, authority.certificatePem), PROOF, 5_000);
    await assert.rejects(request, { code: "SERVER_UNTRUSTED", message: problem });
    assert.deepEqual(failures, []);
  });
}

test("requestCertificate() rejects with SERVER_UNREACHABLE when no server listens", async () => {
  const { certificatePem } = makeAuthority("one");
  await assert.rejects(requestCertificate(at(1, certificatePem), PROOF, 2_000), { code: "SERVER_UNREACHABLE" });
});

test("getCredentials() presents the pod's certificate, and the listener passes it to the handler", async (context) => {
  const authority = makeAuthority("one");
  const pem = authority.certificatePem;
  const { port, peers } = await credentialsPort(context, changing(material(authority, pem)));
  const pod = leaf(authority, POD);
  await getCredentials(at(port, pem), pod, REQUEST, 5_000);
  assert.deepEqual(Buffer.from(peers[0]?.certificate ?? []), new X509Certificate(pod.certificatePem).raw);
});

test("getCredentials() fails in the handshake with a certificate of another CA, and with a serving certificate", async (context) => {
  const authority = makeAuthority("one");
  const pem = authority.certificatePem;
  const { port, peers } = await credentialsPort(context, changing(material(authority, pem)));
  const stranger = leaf(makeAuthority("other"), POD);
  await assert.rejects(getCredentials(at(port, pem), stranger, REQUEST, 2_000), {
    code: "SERVER_UNREACHABLE",
    wasDropped: true,
  });
  const serving = leaf(authority, SERVING);
  await assert.rejects(getCredentials(at(port, pem), serving, REQUEST, 2_000), { code: "SERVER_UNREACHABLE" });
  assert.deepEqual(peers, []);
});

test("createListener() uses a new certificate and a new bundle while it runs, and trusts the old CA until the bundle omits it", async (context) => {
  const [first, second] = [makeAuthority("one"), makeAuthority("two")];
  const both = joinBundle([first.certificatePem, second.certificatePem]);
  const tls = changing(material(first, first.certificatePem));
  const { port, peers } = await credentialsPort(context, tls);
  const [early, late] = [leaf(first, POD), leaf(second, POD)];
  await getCredentials(at(port, first.certificatePem), early, REQUEST, 5_000);

  tls.change(material(second, both));
  await getCredentials(at(port, second.certificatePem), early, REQUEST, 5_000);
  await getCredentials(at(port, second.certificatePem), late, REQUEST, 5_000);
  await assert.rejects(getCredentials(at(port, first.certificatePem), early, REQUEST, 2_000), {
    code: "SERVER_UNTRUSTED",
  });

  tls.change(material(second, second.certificatePem));
  await getCredentials(at(port, second.certificatePem), late, REQUEST, 5_000);
  await assert.rejects(getCredentials(at(port, second.certificatePem), early, REQUEST, 2_000), {
    code: "SERVER_UNREACHABLE",
  });
  assert.equal(peers.length, 4);
});

test("connections() counts the open and all opened connections of its own port only", async (context) => {
  const authority = makeAuthority("connections");
  const [busy, quiet] = [
    await identityPort(context, changing(material(authority))),
    await identityPort(context, changing(material(authority))),
  ];
  assert.deepEqual(busy.listener.connections(), { open: 0, opened: 0 });
  const socket = connect(busy.port, "127.0.0.1");
  await once(socket, "connect");
  await requestCertificate(at(busy.port, authority.certificatePem), PROOF, 5_000);
  assert.equal(busy.listener.connections().opened, 2);
  socket.destroy();
  await until(() => busy.listener.connections().open === 0, "the connection is closed");
  assert.deepEqual(busy.listener.connections(), { open: 0, opened: 2 });
  assert.deepEqual(quiet.listener.connections(), { open: 0, opened: 0 });
});
