// What the certificate code reads from strangers and from files: requests, certificates, bundles, the CA's Secret.
import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import * as fc from "fast-check";
import { decodeAuthorities, encodeAuthorities } from "../../../src/pki/authorities.ts";
import { bundleHash, isIssuedFrom, joinBundle, splitBundle } from "../../../src/pki/bundle.ts";
import { createCsr, readCsr } from "../../../src/pki/csr.ts";
import { sequence, taggedBytes } from "../../../src/pki/der.ts";
import { formatSpiffeId, podIdentityOf } from "../../../src/pki/identity.ts";
import { generateKeyPem } from "../../../src/pki/keys.ts";
import * as oids from "../../../src/pki/oids.ts";
import { readAuthority } from "../../../src/pki/own-authority.ts";
import { isRefusal } from "../../../src/protocol/errors.ts";
import { Secret } from "../../../src/runtime/secret.ts";
import { revealAll } from "../../fakes/secret-data.ts";
import { extension, newAuthority, newLeaf, oddCertificate, POD_URI, SAMPLE_NOW } from "../../pki/samples.ts";
import { anyDer, HOSTILE_TEXTS, mutatedBytes, mutatedText } from "../generate.ts";
import { defineTarget, messageOf, plantCanary, refusalMessages } from "../target.ts";

const authority = newAuthority();
const [current, next, previous] = [
  newAuthority(SAMPLE_NOW, "current"),
  newAuthority(SAMPLE_NOW, "next"),
  newAuthority(SAMPLE_NOW, "previous"),
];
const leaf = newLeaf(authority);
const leafPem = leaf.pem;
const csr = createCsr(generateKeyPem(), "web");

/** A part of a key's body that no other text contains. */
const partOf = (key: Secret): string =>
  key
    .reveal()
    .replaceAll(/-----[^-]+-----|\s/g, "")
    .slice(40, 64);
plantCanary("the key of the current CA", partOf(current.key));
plantCanary("the key of the next CA", partOf(next.key));
plantCanary("the key of an operator's CA", partOf(authority.key));

/** A certificate of the CA whose URI is any text. */
function certificateFor(uri: string): Buffer {
  const key = generateKeyPem();
  const names = extension(oids.SUBJECT_ALT_NAME, sequence(taggedBytes(6, Buffer.from(uri, "latin1"))));
  return new X509Certificate(oddCertificate({ key, extensions: [names] })).raw;
}

const certificates = [
  leaf.certificate.raw,
  certificateFor(`${POD_URI}/x`),
  certificateFor("spiffe://cluster.local/ns/a/sa/b/pod/c/d"),
];

const requests = defineTarget({
  name: "certificate request",
  weight: 40,
  inputs: fc.oneof(
    { weight: 3, arbitrary: mutatedBytes([csr]) },
    { weight: 1, arbitrary: anyDer },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 64 }) },
  ),
  run(bytes) {
    const key = readCsr(bytes);
    if (isRefusal(key)) return [messageOf(key, ["REQUEST_INVALID"])];
    assert.deepEqual(
      [key.type, key.asymmetricKeyType, key.asymmetricKeyDetails?.namedCurve],
      ["public", "ec", "prime256v1"],
    );
    return [];
  },
});

const identity = defineTarget({
  name: "certificate",
  weight: 80,
  inputs: fc.oneof({ weight: 4, arbitrary: mutatedBytes(certificates) }, { weight: 1, arbitrary: anyDer }),
  run(bytes) {
    const read = podIdentityOf(bytes, "cluster.local");
    if (isRefusal(read)) return [messageOf(read, ["CERTIFICATE_REJECTED"])];
    assert.equal(read.trustDomain, "cluster.local");
    for (const name of [read.namespace, read.serviceAccount, read.name, read.uid])
      assert.match(name, /^[A-Za-z0-9][A-Za-z0-9.-]*$/);
    // An identity that was read is one that podrole could have written.
    assert.match(formatSpiffeId(read), /^spiffe:\/\/cluster\.local\/ns\//);
    return [];
  },
});

const bundle = defineTarget({
  name: "trust bundle",
  weight: 4,
  inputs: mutatedText([
    authority.certificatePem,
    current.certificatePem + next.certificatePem,
    `# comment\n${leafPem}`,
    `${authority.certificatePem}${authority.key.reveal()}`,
  ]),
  run(text) {
    const split = splitBundle(text);
    const joined = joinBundle([text, text]);
    assert.equal(bundleHash(joined), bundleHash(text));
    assert.ok(splitBundle(joined).length <= split.length);
    assert.equal(typeof isIssuedFrom(leafPem, text), "boolean");
    // A key that stands in a bundle file never becomes part of the bundle.
    return [joined];
  },
});

const SLOTS = revealAll(
  encodeAuthorities({
    current: { authority: current, since: SAMPLE_NOW },
    next: { authority: next, since: SAMPLE_NOW },
    previous: { certificatePem: previous.certificatePem, since: SAMPLE_NOW },
  }),
);
const KEYS = Object.keys(SLOTS);

const caSecret = defineTarget({
  name: "CA Secret",
  weight: 4,
  inputs: fc.array(
    fc.tuple(fc.nat(KEYS.length - 1), fc.nat(3), mutatedText([...Object.values(SLOTS), ...HOSTILE_TEXTS])),
    { maxLength: 3 },
  ),
  run(changes) {
    const data = Object.fromEntries(Object.entries(SLOTS).map(([key, text]) => [key, new Secret(text)]));
    for (const [index, kind, text] of changes) {
      const key = KEYS[index] ?? "";
      if (kind === 0) delete data[key];
      else data[key] = new Secret(text);
    }
    return refusalMessages(["AUTHORITY_UNAVAILABLE"], () => {
      const slots = decodeAuthorities(data);
      // What is accepted can sign: certificate and key belong together.
      if (slots) {
        const { certificatePem, key } = slots.current.authority;
        assert.ok(new X509Certificate(certificatePem).checkPrivateKey(createPrivateKey(key.reveal())));
      }
      return [];
    });
  },
});

const ownAuthority = defineTarget({
  name: "own CA",
  weight: 8,
  inputs: fc.tuple(
    mutatedText([authority.certificatePem, authority.certificatePem + current.certificatePem, leafPem]),
    mutatedText([authority.key.reveal(), current.key.reveal()]),
  ),
  run([certificate, key]) {
    const read = readAuthority(certificate, new Secret(key), SAMPLE_NOW);
    return read.ok ? [] : [read.problem];
  },
});

export const PKI_TARGETS = [requests, identity, bundle, caSecret, ownAuthority];
