// Certification requests (PKCS #10, RFC 2986). The requested names are never read: a request carries a key and the
// proof that its sender holds the private half, nothing else that podrole believes.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import type { Refusal } from "../protocol/errors.ts";
import type { Secret } from "../runtime/secret.ts";
import {
  bits,
  type Der,
  decode,
  encode,
  fields,
  hasTag,
  integer,
  isSame,
  nothing,
  oid,
  sequence,
  set,
  tagged,
  utf8,
  wholeBits,
} from "./der.ts";
import { refuseKey, signatureScheme } from "./keys.ts";
import { COMMON_NAME, EC_PUBLIC_KEY, PRIME256V1, RSA_ENCRYPTION } from "./oids.ts";

/**
 * A request for the public half of `privateKeyPem`, DER. `commonName` (at most 64 characters, X.520) is for people who
 * look at it.
 */
export function createCsr(privateKeyPem: Secret, commonName: string): Buffer {
  const key = createPrivateKey(privateKeyPem.reveal());
  const publicKey = decode(createPublicKey(key).export({ type: "spki", format: "der" }));
  if (publicKey === undefined) throw new TypeError("the public key does not export as DER");
  const name = sequence(set(sequence(oid(COMMON_NAME), utf8(commonName))));
  const info = sequence(integer(0), name, publicKey, tagged(0));
  const { algorithm, digest } = signatureScheme(key);
  return encode(sequence(info, algorithm, bits(sign(digest, encode(info), key))));
}

/** An RSA 4096 request with many names has 2 KiB; nothing larger than this is looked at. */
const LARGEST = 8 * 1024;

/** The public key of a request whose sender proved to hold the private one, else REQUEST_INVALID. Never throws. */
export function readCsr(der: Uint8Array): KeyObject | Refusal {
  if (der.length > LARGEST) return invalid(`it has ${der.length} bytes, wanted at most ${LARGEST}`);
  const [info, algorithm, signatureBits, ...more] = fields(decode(der)) ?? [];
  const [version, subject, publicKeyInfo, attributes, ...others] = fields(info) ?? [];
  const signature = wholeBits(signatureBits);
  const isWhole = isSame(version, integer(0)) && fields(subject) && hasTag(attributes, 0);
  if (!info || !publicKeyInfo || !signature || !isWhole || more.length + others.length > 0) {
    return invalid("it is not a PKCS #10 request, wanted one in DER");
  }
  if (!hasAcceptedForm(publicKeyInfo)) {
    return invalid("its key is of an unaccepted type or form, wanted ECDSA P-256 or RSA 2048-4096");
  }
  const key = attempt(() => createPublicKey({ key: encode(publicKeyInfo), format: "der", type: "spki" }));
  if (key === undefined) return invalid("its public key cannot be read, wanted ECDSA P-256 or RSA 2048-4096");
  const refused = refuseKey(key);
  if (refused !== undefined) return invalid(refused);
  const scheme = signatureScheme(key);
  if (!isSame(algorithm, scheme.algorithm)) {
    return invalid("its signature algorithm does not go with its key, wanted SHA-256 with ECDSA or RSA (PKCS #1 v1.5)");
  }
  return attempt(() => verify(scheme.digest, encode(info), key, signature))
    ? key
    : invalid("its signature is not by its own key, wanted a proof of possession");
}

/** First byte of a point that is written with both coordinates (SEC 1 §2.3.3). */
const UNCOMPRESSED = 4;

/** An allow-list on bytes (RFC 5480 §2, RFC 3279 §2.3.1): OpenSSL never parses an algorithm that we do not want. */
function hasAcceptedForm(publicKeyInfo: Der): boolean {
  const [algorithm, keyBits, ...more] = fields(publicKeyInfo) ?? [];
  const key = wholeBits(keyBits);
  if (key === undefined || more.length > 0) return false;
  if (isSame(algorithm, sequence(oid(EC_PUBLIC_KEY), oid(PRIME256V1)))) return key[0] === UNCOMPRESSED;
  return isSame(algorithm, sequence(oid(RSA_ENCRYPTION), nothing()));
}

/** Undefined instead of an error of OpenSSL's. */
function attempt<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch {
    return undefined;
  }
}

function invalid(state: string): Refusal {
  return { code: "REQUEST_INVALID", message: `Cannot read the certification request: ${state}` };
}
