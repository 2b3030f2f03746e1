// JSON Web Tokens (RFC 7519) in compact form: the emulators sign and verify them, and tests make unusable ones.
import { type KeyObject, sign, verify } from "node:crypto";
import { parseObject } from "../src/runtime/json-object.ts";

/** A token that has three parts and two JSON objects, whoever signed it. */
export interface Jwt {
  readonly header: Readonly<Record<string, unknown>>;
  readonly claims: Readonly<Record<string, unknown>>;
  /** In base64url. */
  readonly signature: string;
  /** True if this key, RSA or P-256, verifies the signature (RS256 or ES256, RFC 7518 §3.1). */
  isSignedBy(publicKey: KeyObject): boolean;
}

/** A signature of ES256 is r and s in sequence, not DER (RFC 7518 §3.4). */
const dsaEncoding = "ieee-p1363";

/** Joins header, claims and a signature in base64url, and checks nothing: any JSON value makes a token. */
export function joinJwt(header: unknown, claims: unknown, signature: string): string {
  return `${encodePart(header)}.${encodePart(claims)}.${signature}`;
}

/** Returns a token that is signed with ES256. `key`: private, of curve P-256. */
export function signJwt(key: KeyObject, claims: object, header: object = {}): string {
  const signed = `${encodePart({ alg: "ES256", ...header })}.${encodePart(claims)}`;
  return `${signed}.${sign("sha256", Buffer.from(signed), { key, dsaEncoding }).toString("base64url")}`;
}

/** Reads a token without verifying it; undefined if it has no token's form. */
export function readJwt(token: string): Jwt | undefined {
  const [head = "", body = "", signature = "", ...more] = token.split(".");
  const [header, claims] = [decodePart(head), decodePart(body)];
  if (header === undefined || claims === undefined || more.length > 0) return undefined;
  const signed = Buffer.from(`${head}.${body}`);
  return {
    header,
    claims,
    signature,
    isSignedBy: (key) => verify("sha256", signed, { key, dsaEncoding }, Buffer.from(signature, "base64url")),
  };
}

function encodePart(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function decodePart(part: string): Readonly<Record<string, unknown>> | undefined {
  return parseObject(Buffer.from(part, "base64url").toString());
}
