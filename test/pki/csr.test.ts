import assert from "node:assert/strict";
import { createPrivateKey, type KeyObject, sign, verify } from "node:crypto";
import { test } from "node:test";
import { createCsr, readCsr } from "../../src/pki/csr.ts";
import {
  bits,
  type Der,
  encodeDer,
  integer,
  nothing,
  octets,
  oid,
  sequence,
  tagged,
  utf8,
  yes,
} from "../../src/pki/der.ts";
import { generateKeyPem, signatureScheme } from "../../src/pki/keys.ts";
import * as oids from "../../src/pki/oids.ts";
import { isRefusal, type Refusal } from "../../src/protocol/errors.ts";
import { fc } from "../property.ts";
import { runOpenssl, withOpenssl } from "./openssl.ts";
import { nameOf, newKey, publicKeyOf, readFixture, spki } from "./samples.ts";

const KEY = generateKeyPem();

/** Creates a request in which single parts can be wrong. */
function oddCsr({
  version = integer(0),
  subject = nameOf("pod"),
  publicKeyInfo = spki(KEY),
  attributes = [tagged(0)],
  algorithm = signatureScheme(createPrivateKey(KEY.reveal())).algorithm,
  signature = (signed: Buffer) => bits(sign("sha256", signed, KEY.reveal())),
  more = [],
}: {
  readonly version?: Der;
  readonly subject?: Der;
  readonly publicKeyInfo?: Der;
  readonly attributes?: readonly Der[];
  readonly algorithm?: Der;
  readonly signature?: (signed: Buffer) => Der;
  readonly more?: readonly Der[];
} = {}): Buffer {
  const info = sequence(version, subject, publicKeyInfo, ...attributes);
  return encodeDer(sequence(info, algorithm, signature(encodeDer(info)), ...more));
}

function refusalOf(result: KeyObject | Refusal): Refusal {
  if (!isRefusal(result)) assert.fail("the request was accepted");
  assert.equal(result.code, "REQUEST_INVALID");
  assert.match(result.message, /^Cannot read the certification request: .*expected.*[^.]$/);
  return result;
}

for (const kind of ["prime256v1", "rsa"] as const) {
  test(`readCsr() returns the key of createCsr()'s request when it is ${kind}`, () => {
    const key = newKey(kind);
    const result = readCsr(createCsr(key, "shop/cart"));
    assert.ok(!isRefusal(result) && result.equals(publicKeyOf(key)));
  });
}

test("createCsr() creates a request that openssl verifies", withOpenssl, () => {
  const csr = createCsr(KEY, "shop/cärt");
  const { status, output } = runOpenssl(["req", "-inform", "der", "-in", "csr", "-verify", "-noout", "-text"], { csr });
  assert.equal(status, 0, output);
  assert.match(output, /ecdsa-with-SHA256/);
});

for (const name of ["p256", "p256-names", "p256-no-name", "rsa-2048", "rsa-4096"]) {
  test(`readCsr() accepts openssl's request ${name}`, () => {
    const result = readCsr(readFixture(`csr/accepted/${name}`));
    assert.ok(!isRefusal(result));
    assert.equal(result.type, "public");
  });
}

const FORM = /unaccepted type or form/;
const ALGORITHM = /signature algorithm does not match its key/;
const REFUSED_FIXTURES = {
  "p256-compressed-point": FORM,
  "p256-explicit-parameters": FORM,
  "p256-sha384": ALGORITHM,
  p384: FORM,
  secp256k1: FORM,
  ed25519: FORM,
  "rsa-pss-key": FORM,
  "rsa-1024": /its key is rsa 1024/,
  "rsa-4104": /its key is rsa 4104/,
  "rsa-exponent-3": /unsound exponent/,
  "rsa-sha1": ALGORITHM,
  "rsa-sha512": ALGORITHM,
  "rsa-pss-signature": ALGORITHM,
} as const;

for (const [name, reason] of Object.entries(REFUSED_FIXTURES)) {
  test(`readCsr() refuses openssl's request ${name}`, () => {
    assert.match(refusalOf(readCsr(readFixture(`csr/refused/${name}`))).message, reason);
  });
}

const STRUCTURE = /not a PKCS #10 request/;
const PROOF = /expected a proof of possession/;
const UNREADABLE = /public key cannot be read|unaccepted type or form/;
const POINT_NOT_ON_CURVE = bits(Buffer.concat([Buffer.of(4), Buffer.alloc(64, 1)]));
const EC = sequence(oid(oids.EC_PUBLIC_KEY), oid(oids.PRIME256V1));
const RSA = sequence(oid(oids.RSA_ENCRYPTION), nothing());
const VALID = oddCsr();

const REFUSED: readonly (readonly [string, Buffer, RegExp])[] = [
  ["no bytes", Buffer.alloc(0), STRUCTURE],
  ["a PEM text", Buffer.from("-----BEGIN CERTIFICATE REQUEST-----"), STRUCTURE],
  ["a truncated request", VALID.subarray(0, -1), STRUCTURE],
  ["trailing bytes", Buffer.concat([VALID, Buffer.of(0)]), STRUCTURE],
  ["a bomb of nested values", Buffer.alloc(8192, Buffer.of(0x30, 0x80)), STRUCTURE],
  ["a huge length", Buffer.from("3084ffffffff", "hex"), STRUCTURE],
  ["one byte more than 8 KiB", Buffer.alloc(8193), /8193 bytes; expected at most 8192/],
  ["a request of more than 8 KiB", oddCsr({ subject: nameOf("x".repeat(9000)) }), /expected at most 8192/],
  ["version 1", oddCsr({ version: integer(1) }), STRUCTURE],
  ["no attributes", oddCsr({ attributes: [] }), STRUCTURE],
  ["attributes of another tag", oddCsr({ attributes: [tagged(1)] }), STRUCTURE],
  ["a field after the attributes", oddCsr({ attributes: [tagged(0), nothing()] }), STRUCTURE],
  ["a subject that is no name", oddCsr({ subject: utf8("pod") }), STRUCTURE],
  ["a field after the signature", oddCsr({ more: [nothing()] }), STRUCTURE],
  ["a signature with unused bits", oddCsr({ signature: () => bits(Buffer.of(0x80), 7) }), STRUCTURE],
  ["a signature in an OCTET STRING", oddCsr({ signature: () => octets(Buffer.of(0)) }), STRUCTURE],
  ["an empty signature", oddCsr({ signature: () => bits(Buffer.alloc(0)) }), PROOF],
  ["a signature that is no ECDSA signature", oddCsr({ signature: () => bits(Buffer.alloc(64)) }), PROOF],
  [
    "a signature by another key",
    oddCsr({ signature: (signed) => bits(sign("sha256", signed, generateKeyPem().reveal())) }),
    PROOF,
  ],
  [
    "a signature over other bytes",
    oddCsr({ signature: () => bits(sign("sha256", Buffer.of(1), KEY.reveal())) }),
    PROOF,
  ],
  ["another sender's public key", oddCsr({ publicKeyInfo: spki(generateKeyPem()) }), PROOF],
  ["a point that is not on the curve", oddCsr({ publicKeyInfo: sequence(EC, POINT_NOT_ON_CURVE) }), UNREADABLE],
  ["a point in hybrid form", oddCsr({ publicKeyInfo: sequence(EC, bits(hybridPoint())) }), FORM],
  ["the point at infinity", oddCsr({ publicKeyInfo: sequence(EC, bits(Buffer.of(0))) }), UNREADABLE],
  ["an RSA key that is none", oddCsr({ publicKeyInfo: sequence(RSA, bits(Buffer.of(1, 2, 3))) }), UNREADABLE],
  [
    "an RSA key of a nonsense number",
    oddCsr({ publicKeyInfo: sequence(RSA, bits(encodeDer(sequence(integer(0), integer(0))))) }),
    /its key is|cannot be read/,
  ],
  ["a key without algorithm", oddCsr({ publicKeyInfo: sequence() }), FORM],
  ["a key with a third field", oddCsr({ publicKeyInfo: sequence(EC, POINT_NOT_ON_CURVE, nothing()) }), FORM],
  ["an algorithm with an enormous arc", oddCsr({ algorithm: sequence(enormousOid()) }), ALGORITHM],
  ["ECDSA with parameters", oddCsr({ algorithm: sequence(oid(oids.ECDSA_WITH_SHA256), nothing()) }), ALGORITHM],
  ["an algorithm that is no sequence", oddCsr({ algorithm: yes() }), ALGORITHM],
];

/**
 * The hybrid encoding of a point (X9.62): both coordinates, and the parity of y in the first byte. OpenSSL accepts it.
 */
function hybridPoint(): Buffer {
  const point = Buffer.from(publicKeyOf(KEY).export({ type: "spki", format: "der" }).subarray(-65));
  point[0] = 6 | ((point[64] ?? 0) & 1);
  return point;
}

function enormousOid(): Der {
  return { ...oid("1.2.3"), value: "\xff".repeat(40) + "\x01" };
}

for (const [name, bytes, reason] of REFUSED) {
  test(`readCsr() refuses ${name}`, () => assert.match(refusalOf(readCsr(bytes)).message, reason));
}

test("readCsr() never throws on arbitrary bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      refusalOf(readCsr(bytes));
    }),
    { numRuns: 2000 },
  );
});

test("readCsr() refuses every request that was changed in transit, and never throws", () => {
  const requests = [VALID, readFixture("csr/accepted/rsa-2048")];
  const change = fc.record({
    request: fc.constantFrom(...requests),
    at: fc.nat(),
    remove: fc.nat({ max: 3 }),
    insert: fc.uint8Array({ maxLength: 3 }),
  });
  fc.assert(
    fc.property(change, ({ request, at, remove, insert }) => {
      const from = at % request.length;
      const changed = Buffer.concat([request.subarray(0, from), insert, request.subarray(from + remove)]);
      fc.pre(!changed.equals(request));
      refusalOf(readCsr(changed));
    }),
    { numRuns: 2000 },
  );
});

test("readCsr() refuses a request with any one bit flipped", () => {
  for (let bit = 0; bit < VALID.length * 8; bit++) {
    const flipped = Buffer.from(VALID);
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    refusalOf(readCsr(flipped));
  }
});

test("readCsr() returns a key that verifies its owner's signatures", () => {
  const key = readCsr(createCsr(KEY, "pod"));
  assert.ok(!isRefusal(key));
  const message = Buffer.from("hello");
  assert.ok(verify("sha256", message, key, sign("sha256", message, KEY.reveal())));
});
