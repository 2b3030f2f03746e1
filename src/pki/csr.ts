// Certification requests (PKCS #10, RFC 2986). The requested names are never read: a request carries a key and the
// proof that the sender holds it, nothing else that podrole believes.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { Refusal } from "../protocol/errors.ts";
import type { Secret } from "../runtime/secret.ts";
import {
  content,
  decode,
  encode,
  integer,
  isSequence,
  bits,
  oid,
  oidText,
  parts,
  sequence,
  set,
  tagged,
  utf8,
} from "./der.ts";
import { refuseKey } from "./keys.ts";
import { COMMON_NAME, ECDSA_WITH_SHA256, RSA_WITH_SHA256 } from "./oids.ts";

/** A request for the public half of `privateKey` (P-256 PEM), DER. `commonName` is for people who look at it. */
export function createCsr(privateKey: Secret, commonName: string): Buffer {
  const key = createPrivateKey(privateKey.reveal());
  const publicKey = decode(createPublicKey(key).export({ type: "spki", format: "der" }));
  if (publicKey === undefined) throw new TypeError("the public key does not export as DER");
  const name = sequence(set(sequence(oid(COMMON_NAME), utf8(commonName))));
  const info = sequence(integer(Buffer.from([0])), name, publicKey, tagged(0));
  const signature = sign("sha256", encode(info), key);
  return encode(sequence(info, sequence(oid(ECDSA_WITH_SHA256)), bits(signature)));
}

/** Two kilobytes hold an RSA 4096 request with names; nothing larger is parsed. */
const LARGEST_CSR = 8 * 1024;

/** The public key of a request whose sender proved to hold the private one; REQUEST_INVALID otherwise. Never throws. */
export function readCsr(der: Uint8Array): KeyObject | Refusal {
  if (der.length > LARGEST_CSR) return invalid(`it has ${der.length} bytes, at most ${LARGEST_CSR} are read`);
  const [info, algorithm, signature, ...more] = parts(decode(der)) ?? [];
  const [, , publicKeyInfo] = parts(info) ?? [];
  const signatureBits = content(signature);
  if (!isSequence(info) || !isSequence(publicKeyInfo) || signatureBits?.[0] !== 0 || more.length > 0) {
    return invalid("it is not a PKCS #10 request in DER");
  }
  const key = toPublicKey(encode(publicKeyInfo as NonNullable<typeof publicKeyInfo>));
  if (key === undefined) return invalid("its public key cannot be read");
  const refused = refuseKey(key);
  if (refused !== undefined) return invalid(refused);
  const wanted = key.asymmetricKeyType === "ec" ? ECDSA_WITH_SHA256 : RSA_WITH_SHA256;
  if (oidText(parts(algorithm)?.[0]) !== wanted)
    return invalid("its signature algorithm is not SHA-256 with the key's type");
  // The signature is over the bytes as they came; re-encoding must not have changed them.
  const signed = encode(info as NonNullable<typeof info>);
  if (!isSignedBy(key, signed, signatureBits.subarray(1))) {
    return invalid("its signature is not by its own key (no proof of possession)");
  }
  return key;
}

function toPublicKey(spki: Buffer): KeyObject | undefined {
  try {
    return createPublicKey({ key: spki, format: "der", type: "spki" });
  } catch {
    return undefined;
  }
}

function isSignedBy(key: KeyObject, signed: Buffer, signature: Buffer): boolean {
  try {
    return verify("sha256", signed, key, signature);
  } catch {
    return false;
  }
}

function invalid(state: string): Refusal {
  return { code: "REQUEST_INVALID", message: `Cannot read the certification request: ${state}` };
}
