// Certification requests (PKCS #10, RFC 2986). podrole never reads the requested names: a request carries a key and the
// proof that its sender holds the private half, and nothing else that podrole accepts.
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import { type Refusal, refuse } from "../protocol/errors.ts";
import type { Secret } from "../runtime/secret.ts";
import {
  bits,
  type Der,
  decodeDer,
  encodeDer,
  fields,
  hasTag,
  integer,
  isSameDer,
  nothing,
  oid,
  sequence,
  set,
  tagged,
  utf8,
  wholeBits,
} from "./der.ts";
import { findKeyProblem, signatureScheme } from "./keys.ts";
import { COMMON_NAME, EC_PUBLIC_KEY, PRIME256V1, RSA_ENCRYPTION } from "./oids.ts";

/**
 * Creates a request for the public half of `privateKeyPem`, DER. `commonName` (at most 64 characters, X.520) only helps
 * operators who inspect the request. Throws for a key that cannot be exported.
 */
export function createCsr(privateKeyPem: Secret, commonName: string): Buffer {
  const key = createPrivateKey(privateKeyPem.reveal());
  const publicKey = decodeDer(createPublicKey(key).export({ type: "spki", format: "der" }));
  if (publicKey === undefined)
    throw new Error(
      "Cannot create a certification request: the public key does not export as DER; expected ECDSA or RSA",
    );
  const name = sequence(set(sequence(oid(COMMON_NAME), utf8(commonName))));
  const info = sequence(integer(0), name, publicKey, tagged(0));
  const { algorithm, digest } = signatureScheme(key);
  return encodeDer(sequence(info, algorithm, bits(sign(digest, encodeDer(info), key))));
}

/** In bytes. An RSA 4096 request with many names has 2 KiB; anything larger than this is refused unread. */
const MAX_CSR_BYTES = 8 * 1024;

/**
 * Returns the public key of a request whose sender proved to hold the private key, otherwise REQUEST_INVALID. Never
 * throws.
 */
export function readCsr(der: Uint8Array): KeyObject | Refusal {
  if (der.length > MAX_CSR_BYTES) return csrInvalid(`it has ${der.length} bytes; expected at most ${MAX_CSR_BYTES}`);
  const [info, algorithm, signatureBits, ...more] = fields(decodeDer(der)) ?? [];
  const [version, subject, publicKeyInfo, attributes, ...others] = fields(info) ?? [];
  const signature = wholeBits(signatureBits);
  const isWhole = isSameDer(version, integer(0)) && fields(subject) && hasTag(attributes, 0);
  if (!info || !publicKeyInfo || !signature || !isWhole || more.length + others.length > 0) {
    return csrInvalid("it is not a PKCS #10 request; expected one in DER");
  }
  if (!hasAcceptedForm(publicKeyInfo)) {
    return csrInvalid("its key is of an unaccepted type or form; expected ECDSA P-256 or RSA 2048-4096");
  }
  const key = undefinedIfThrown(() => createPublicKey({ key: encodeDer(publicKeyInfo), format: "der", type: "spki" }));
  if (key === undefined) return csrInvalid("its public key cannot be read; expected ECDSA P-256 or RSA 2048-4096");
  const problem = findKeyProblem(key);
  if (problem !== undefined) return csrInvalid(problem);
  const scheme = signatureScheme(key);
  if (!isSameDer(algorithm, scheme.algorithm)) {
    return csrInvalid(
      "its signature algorithm does not match its key; expected SHA-256 with ECDSA or RSA (PKCS #1 v1.5)",
    );
  }
  return undefinedIfThrown(() => verify(scheme.digest, encodeDer(info), key, signature))
    ? key
    : csrInvalid("its signature was not made with its own key; expected a proof of possession");
}

/** First byte of a point that has both coordinates (SEC 1 §2.3.3). */
const UNCOMPRESSED_POINT = 4;

/**
 * An allow-list on bytes (RFC 5480 §2, RFC 3279 §2.3.1), so that OpenSSL never parses an algorithm that podrole does
 * not accept.
 */
function hasAcceptedForm(publicKeyInfo: Der): boolean {
  const [algorithm, keyBits, ...more] = fields(publicKeyInfo) ?? [];
  const key = wholeBits(keyBits);
  if (key === undefined || more.length > 0) return false;
  if (isSameDer(algorithm, sequence(oid(EC_PUBLIC_KEY), oid(PRIME256V1)))) return key[0] === UNCOMPRESSED_POINT;
  return isSameDer(algorithm, sequence(oid(RSA_ENCRYPTION), nothing()));
}

/** Returns undefined instead of throwing an error of OpenSSL. */
function undefinedIfThrown<T>(call: () => T): T | undefined {
  try {
    return call();
  } catch {
    return undefined;
  }
}

function csrInvalid(state: string): Refusal {
  return refuse("REQUEST_INVALID", `Cannot read the certification request: ${state}`);
}
