// The identity directory as a renewal sees it: key and certificate in one file, so that they always fit each other, the
// newest trust bundle, and the grants. A memory volume of podrole's own containers; the key never leaves it.
import { hash } from "node:crypto";
import { readdir, rm } from "node:fs/promises";
import { bundleHash, joinBundle, notAfterOf, splitBundle } from "../../pki/bundle.ts";
import { jitter } from "../../runtime/clock.ts";
import { readIfPresent, writeAtomically } from "../../runtime/files.ts";
import { Secret } from "../../runtime/secret.ts";
import { encodeGrants, type Grants } from "../grants.ts";
import { grantsPath } from "./grants-file.ts";

/** Times are Unix milliseconds. */
export interface Identity {
  readonly privateKey: Secret;
  readonly certificatePem: string;
  readonly issuedAtMs: number;
  /** Half of the life ±10 %, from a hash of the certificate: every reader of the file comes to the same time. */
  readonly renewAtMs: number;
  readonly expiresAtMs: number;
}

/** RFC 7468 §2 lets text stand before the first block; this line is it. notBefore is no time of issue: it is backdated. */
const ISSUED_AT = /^issued-at-ms: (\d{1,15})$/m;
const CERTIFICATES = "-----BEGIN CERTIFICATE-----";

export function toIdentity(privateKey: Secret, certificatePem: string, issuedAtMs: number): Identity {
  const expiresAtMs = notAfterOf(certificatePem);
  const spread = hash("sha256", certificatePem, "buffer").readUInt32BE(0) / 2 ** 32;
  const renewAtMs = issuedAtMs + jitter((expiresAtMs - issuedAtMs) / 2, 0.1, () => spread);
  return { privateKey, certificatePem, issuedAtMs, renewAtMs, expiresAtMs };
}

/** Undefined when there is no identity yet, or none that can be read: a new one is always to be had. */
export async function readIdentity(directory: string): Promise<Identity | undefined> {
  const text = await readIfPresent(`${directory}/identity.pem`);
  const issuedAt = ISSUED_AT.exec(text ?? "")?.[1];
  const border = text?.indexOf(CERTIFICATES) ?? -1;
  if (text === undefined || issuedAt === undefined || border < 0) return undefined;
  try {
    return toIdentity(new Secret(text.slice(0, border)), text.slice(border), Number(issuedAt));
  } catch {
    return undefined;
  }
}

export async function writeIdentity(directory: string, identity: Identity): Promise<void> {
  const { privateKey, certificatePem, issuedAtMs } = identity;
  const content = `issued-at-ms: ${issuedAtMs}\n${privateKey.reveal()}${certificatePem}`;
  await writeAtomically(`${directory}/identity.pem`, content, 0o600);
}

export interface Trust {
  /** Every CA that may have signed the server's certificate. */
  readonly bundlePem: string;
  /** What we hold, as the server names its bundles. */
  readonly hash: string;
}

/**
 * The bundle that came last together with that of admission. Together, because neither is always the newer one and a
 * pod that trusts too few CAs can never ask again; the price is that a CA counts until the pods of its time are gone.
 */
export async function readTrust(directory: string, admissionBundle: string): Promise<Trust> {
  const received = await readIfPresent(`${directory}/bundle.pem`);
  const bundlePem = joinBundle(received === undefined ? [admissionBundle] : [admissionBundle, received]);
  return { bundlePem, hash: bundleHash(received ?? admissionBundle) };
}

/** Keeps a bundle that came with an answer; the empty text means that ours was the newest. */
export async function keepBundle(directory: string, bundle: string): Promise<void> {
  if (splitBundle(bundle).length > 0) await writeAtomically(`${directory}/bundle.pem`, bundle, 0o600);
}

export async function writeGrants(directory: string, grants: Grants): Promise<void> {
  await writeAtomically(grantsPath(directory), encodeGrants(grants), 0o600);
}

/** Removes what a renewal that was killed left half written: the volume is small, and the rest may hold a key. */
export async function sweepAside(directory: string): Promise<void> {
  const names = await readdir(directory);
  await Promise.all(
    names.filter((name) => name.endsWith(".tmp")).map((name) => rm(`${directory}/${name}`, { force: true })),
  );
}
