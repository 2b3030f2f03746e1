// Client certificates as an operator makes them for the API server: a CA of its own, and leaves with a common name.
import { oid, sequence, taggedBytes } from "../../src/pki/der.ts";
import * as oids from "../../src/pki/oids.ts";
import { HOUR_MS } from "../../src/runtime/clock.ts";
import type { Secret } from "../../src/runtime/secret.ts";
import { caConstraints, extension, newKey, oddCertificate } from "../pki/samples.ts";

export interface Ca {
  readonly name: string;
  readonly key: Secret;
  readonly pem: string;
}

/** A CA that is valid from an hour ago, by default for 100 hours from now; self-signed, or below `issuer`. */
export function newCa(name: string, lifeMs = 100 * HOUR_MS, issuer?: Ca): Ca {
  const now = Date.now();
  const key = newKey("prime256v1");
  const times = { notBefore: now - HOUR_MS, notAfter: now + lifeMs };
  return {
    name,
    key,
    pem: oddCertificate({ name, key, ...(issuer && { issuer }), extensions: [caConstraints()], ...times }),
  };
}

export interface Client {
  readonly cert: string;
  readonly key: string;
}

/** A client certificate with a common name and, if given, one DNS name. */
export function clientOf(
  ca: Ca,
  name: string,
  { dnsName = "", purpose = oids.CLIENT_AUTH, lifeMs = 10 * HOUR_MS } = {},
): Client {
  const now = Date.now();
  const key = newKey("prime256v1");
  const names = [taggedBytes(2, Buffer.from(dnsName))];
  const cert = oddCertificate({
    name,
    key,
    issuer: ca,
    notBefore: now - HOUR_MS,
    notAfter: now + lifeMs,
    extensions: [
      extension(oids.EXTENDED_KEY_USAGE, sequence(oid(purpose))),
      ...(dnsName === "" ? [] : [extension(oids.SUBJECT_ALT_NAME, sequence(...names))]),
    ],
  });
  return { cert, key: key.reveal() };
}
