// A chain of client certificates that costs its verifier as much as possible for each byte, and its sender nothing:
// only the leaf's private key is needed, and no signature has to be right. RSA keys of 3072 bits are the longest whose
// exponent OpenSSL does not limit to 64 bits (OPENSSL_RSA_SMALL_MODULUS_BITS in openssl/rsa.h).
import { generateKeyPairSync, randomBytes } from "node:crypto";
import { bits, decodeDer, encodeDer, integer, nothing, oid, sequence, tagged, time } from "../../src/pki/der.ts";
import * as oids from "../../src/pki/oids.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import { nameOf } from "./samples.ts";

const KEY_BYTES = 3_072 / 8;

/** A random odd number whose first byte is between `least` and `most`. */
function oddNumber(least: number, most: number): readonly number[] {
  const bytes = randomBytes(KEY_BYTES);
  bytes[0] = least + ((randomBytes(1)[0] ?? 0) % (most - least));
  bytes[KEY_BYTES - 1] = 0x01;
  return [...bytes];
}

/** Returns a chain of `count` certificates of about 1.3 KB each, and the leaf's key (PEM). */
export function expensiveChain(count: number): { readonly cert: string; readonly key: string } {
  const leaf = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const rsa = sequence(oid(oids.RSA_ENCRYPTION), nothing());
  const algorithm = sequence(oid(oids.RSA_WITH_SHA256), nothing());
  const leafKey = decodeDer(leaf.publicKey.export({ type: "spki", format: "der" })) ?? sequence();
  const expensiveKey = () => {
    const key = sequence(integer(...oddNumber(0xc0, 0xff)), integer(...oddNumber(0x40, 0x7f)));
    return sequence(rsa, bits(encodeDer(key)));
  };
  const now = Date.now();
  const certificates = Array.from({ length: count }, (_, index) => {
    const info = sequence(
      tagged(0, integer(2)),
      integer(1),
      algorithm,
      nameOf(String(index + 1)),
      sequence(time(now - HOUR_MS), time(now + HOUR_MS)),
      nameOf(String(index)),
      index === 0 ? leafKey : expensiveKey(),
    );
    const signature = bits(Buffer.from(oddNumber(0x20, 0x3f)));
    return encodeDer(sequence(info, algorithm, signature)).toString("base64");
  });
  const pem = certificates.map((text) => `-----BEGIN CERTIFICATE-----\n${text}\n-----END CERTIFICATE-----\n`);
  return { cert: pem.join(""), key: leaf.privateKey.export({ type: "pkcs8", format: "pem" }) };
}
