// What pods present to the server, counted on the wire, beside what presentedBytes() says of their CA.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { type AddressInfo, connect as connectTcp, createServer as createTcpServer } from "node:net";
import { suite, type TestContext, test } from "node:test";
import { connect, createServer } from "node:tls";
import type { Authority } from "../../src/pki/certificate.ts";
import { presentedBytes } from "../../src/pki/presented-bytes.ts";
import { presentedChain } from "../../src/protocol/presented-chain.ts";
import { Secret } from "../../src/runtime/secret.ts";
import { caConstraints, newAuthority, newKey, newLeaf, oddCertificate } from "./samples.ts";

/** With the longest names that Kubernetes permits. */
const URI = `spiffe://cluster.local/ns/${"n".repeat(63)}/sa/${"s".repeat(253)}/pod/${"p".repeat(253)}/5c9f3c1e-2a64-4a3e-9d8c-0a1b2c3d4e5f`;

const EXTENSIONS = { extensions: [caConstraints()], notBefore: Date.now() - 60_000 };

/** A CA as operators bring it. */
function ownAuthority(key: Secret, name: string): Authority {
  return { certificatePem: oddCertificate({ name, key, ...EXTENSIONS }), key };
}

/** A CA below an operator's root, with the certificates of both. */
function ownIntermediate(key: Secret, rootKey: Secret): Authority {
  const issuer = { name: "corp-root", key: rootKey };
  const root = ownAuthority(rootKey, "corp-root").certificatePem;
  return { certificatePem: `${oddCertificate({ name: "corp-ca", key, issuer, ...EXTENSIONS })}${root}`, key };
}

/** Counts what a client with a certificate of `authority` sends after the server's first answer. */
async function countPresented(context: TestContext, authority: Authority): Promise<number> {
  const ca = authority.certificatePem;
  const now = Date.now();
  const serving = newLeaf(authority, { kind: "serving", dnsNames: [], ipAddresses: ["127.0.0.1"] }, now);
  const pod = newLeaf(authority, { kind: "pod", uri: URI }, now);
  const server = createServer({
    ...{ cert: serving.pem, key: serving.key.reveal(), ca, requestCert: true, rejectUnauthorized: true },
    minVersion: "TLSv1.3",
  });
  server.on("secureConnection", (socket) => socket.on("error", () => {}).end());
  let bytes = 0;
  const relay = createTcpServer((client) => {
    const { port } = server.address() as AddressInfo;
    const upstream = connectTcp(port, "127.0.0.1");
    let hasAnswered = false;
    client
      .on("error", () => {})
      .on("data", (chunk: Buffer) => {
        if (hasAnswered) bytes += chunk.length;
        upstream.write(chunk);
      });
    upstream
      .on("error", () => {})
      .on("data", (chunk: Buffer) => {
        hasAnswered = true;
        client.write(chunk);
      });
    upstream.once("close", () => client.destroy());
  });
  for (const each of [server, relay]) {
    each.listen(0, "127.0.0.1");
    await once(each, "listening");
    context.after(() => each.close());
  }
  const { port } = relay.address() as AddressInfo;
  const client = connect({ port, host: "127.0.0.1", ca, cert: presentedChain(pod.pem), key: pod.key.reveal() });
  const [socket] = await once(server, "secureConnection");
  assert.equal(socket.authorized, true);
  client.destroy();
  return bytes;
}

suite("presentedBytes()", () => {
  for (const [kind, spareBytes, create] of [
    ["podrole's own CA", 200, () => newAuthority(Date.now())],
    ["a CA with a P-384 key and a long name", 200, () => ownAuthority(newKey("secp384r1"), "c".repeat(60))],
    ["a CA with an RSA key of 2048 bits", 200, () => ownAuthority(newKey("rsa"), "corp-ca")],
    ["a CA below a root with an RSA key", 600, () => ownIntermediate(newKey("prime256v1"), newKey("rsa"))],
  ] as const) {
    test(`covers what a pod with the longest names and a certificate of ${kind} sends, with less than ${spareBytes} bytes to spare`, async (context) => {
      const authority = create();
      const sent = await countPresented(context, authority);
      const covered = presentedBytes(authority.certificatePem);
      assert.ok(sent <= covered && covered < sent + spareBytes, `sent ${sent}, covered ${covered}`);
    });
  }

  test("covers 1.7 KB with a CA that podrole has made, and no more than 2.1 KB with an RSA key of 4096 bits", () => {
    assert.ok(presentedBytes(newAuthority(Date.now()).certificatePem) <= 1_700);
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 4096 });
    const large = new Secret(privateKey.export({ type: "pkcs8", format: "pem" }));
    assert.ok(presentedBytes(ownAuthority(large, "corp-ca").certificatePem) <= 2_100);
  });

  test("takes the CA with most bytes of a bundle, and none of an empty one", () => {
    const [small, large] = [newAuthority(), ownAuthority(newKey("rsa"), "corp-ca")].map((each) => each.certificatePem);
    assert.equal(presentedBytes(`${small}${large}`), presentedBytes(`${large}`));
    assert.ok(presentedBytes(`${small}`) < presentedBytes(`${large}`));
    assert.ok(presentedBytes("") < presentedBytes(`${small}`));
  });
});
