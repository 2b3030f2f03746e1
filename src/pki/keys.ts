// Keys: which ones podrole creates, which ones it accepts, and how each kind signs. node:crypto does all of it.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { Secret } from "../runtime/secret.ts";
import { type Der, nothing, oid, sequence } from "./der.ts";
import { ECDSA_WITH_SHA256, ECDSA_WITH_SHA384, RSA_WITH_SHA256 } from "./oids.ts";

/** Generates a P-256 private key, PKCS #8 PEM. */
export function generateKeyPem(): Secret {
  const { privateKey } = generateKeyPairSync("ec", {
    namedCurve: "P-256",
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "der" },
  });
  return new Secret(privateKey);
}

/** Accepted curves by OpenSSL's names. */
const CURVE_NAMES = { prime256v1: "P-256", secp384r1: "P-384" } as const;
type Curve = keyof typeof CURVE_NAMES;

/** FIPS 186-5 §A.1.1: a smaller exponent is weak, a larger one makes each verification as slow as a signature. */
const MIN_EXPONENT = 65_537n;
const MAX_RSA_EXPONENT = 1n << 256n;

/**
 * Returns why podrole does not accept `key`, or undefined for ECDSA on one of `curves` and RSA of 2048 to 4096 bits.
 */
export function findKeyProblem(key: KeyObject, curves: readonly Curve[] = ["prime256v1"]): string | undefined {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key;
  const { namedCurve, modulusLength = 0, publicExponent = 0n } = details ?? {};
  if (type === "ec" && curves.some((curve) => curve === namedCurve)) return undefined;
  const isRsa = type === "rsa" && modulusLength >= 2048 && modulusLength <= 4096;
  const isSound = publicExponent % 2n === 1n && publicExponent >= MIN_EXPONENT && publicExponent < MAX_RSA_EXPONENT;
  if (isRsa && isSound) return undefined;
  const state = isRsa
    ? "rsa with an unsound exponent"
    : [type, namedCurve, modulusLength || ""].filter(Boolean).join(" ");
  return `its key is ${state}; expected ECDSA ${curves.map((curve) => CURVE_NAMES[curve]).join(" or ")} or RSA 2048-4096`;
}

/**
 * Returns how an accepted key signs: its AlgorithmIdentifier (RFC 5758 §3.2, RFC 8017 §A.2.4) and the digest for
 * node:crypto.
 */
export function signatureScheme(key: KeyObject): { readonly algorithm: Der; readonly digest: string } {
  if (key.asymmetricKeyType === "rsa") {
    return { algorithm: sequence(oid(RSA_WITH_SHA256), nothing()), digest: "sha256" };
  }
  return key.asymmetricKeyDetails?.namedCurve === "secp384r1"
    ? { algorithm: sequence(oid(ECDSA_WITH_SHA384)), digest: "sha384" }
    : { algorithm: sequence(oid(ECDSA_WITH_SHA256)), digest: "sha256" };
}
