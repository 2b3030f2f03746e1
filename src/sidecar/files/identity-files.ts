// The identity directory as a renewal uses it: key and certificate in one file, so that they always match, the newest
// trust bundle, and the grants. A memory volume that only podrole's containers mount; the key never leaves it.
import { hash } from "node:crypto";
import { access, constants, readdir, rm } from "node:fs/promises";
import { bundleHash, joinBundle, remainingLifetimeMs, splitBundle } from "../../pki/bundle.ts";
import { jitter } from "../../runtime/clock.ts";
import { readIfPresent, writeAtomically } from "../../runtime/files.ts";
import type { Log } from "../../runtime/log.ts";
import { Secret } from "../../runtime/secret.ts";
import type { Grants } from "../grants.ts";
import { encodeGrants, grantsPath } from "./grants-file.ts";

/** The pod's key and certificate (PEM). Times are Unix milliseconds. */
export interface Identity {
  readonly privateKey: Secret;
  readonly certificatePem: string;
  readonly issuedAtMs: number;
  /** Half of the lifetime ±10 %, from a hash of the certificate: every reader of the file computes the same time. */
  readonly renewAtMs: number;
  /** The earliest value of `renewAtMs`: each renewal after it replaces the certificate, even one for credentials. */
  readonly renewableAtMs: number;
  readonly expiresAtMs: number;
}

/** A line before the first block, as RFC 7468 §2 permits. notBefore is not the time of issue: it is backdated. */
const ISSUED_AT = /^issued-at-ms: (\d{1,15})$/m;
/** The line with which a certificate begins in PEM (RFC 7468 §5). */
export const BEGIN_CERTIFICATE = "-----BEGIN CERTIFICATE-----";

/** Returns the identity with its times. Throws if the certificate cannot be parsed. */
export function toIdentity(privateKey: Secret, certificatePem: string, issuedAtMs: number): Identity {
  const expiresAtMs = issuedAtMs + remainingLifetimeMs(certificatePem, issuedAtMs);
  const spread = hash("sha256", certificatePem, "buffer").readUInt32BE(0) / 2 ** 32;
  const timeOf = (random: number) => issuedAtMs + jitter((expiresAtMs - issuedAtMs) / 2, 0.1, () => random);
  return {
    privateKey,
    certificatePem,
    issuedAtMs,
    renewAtMs: timeOf(spread),
    renewableAtMs: timeOf(0),
    expiresAtMs,
  };
}

/**
 * Returns the stored identity, or undefined if there is none or it cannot be parsed: a renewal then requests a new one.
 */
export async function readIdentity(directory: string): Promise<Identity | undefined> {
  const text = await readIfPresent(`${directory}/identity.pem`);
  const issuedAt = ISSUED_AT.exec(text ?? "")?.[1];
  const border = text?.indexOf(BEGIN_CERTIFICATE) ?? -1;
  if (text === undefined || issuedAt === undefined || border < 0) return undefined;
  try {
    return toIdentity(new Secret(text.slice(0, border)), text.slice(border), Number(issuedAt));
  } catch {
    return undefined;
  }
}

/** Stores the identity in identity.pem, mode 0600. */
export async function writeIdentity(directory: string, identity: Identity): Promise<void> {
  const { privateKey, certificatePem, issuedAtMs } = identity;
  const content = `issued-at-ms: ${issuedAtMs}\n${privateKey.reveal()}${certificatePem}`;
  await writeAtomically(`${directory}/identity.pem`, content, 0o600);
}

/** The CAs that a pod trusts. */
export interface TrustedBundle {
  /** Every CA that may have signed the server's certificate (PEM). */
  readonly bundlePem: string;
  /** Hash of the newest bundle that the pod has, in the form that the server compares. */
  readonly hash: string;
}

/**
 * Returns the union of the bundle from admission and the one received last. Neither is always the newer one, and a pod
 * that trusts too few CAs can never connect again; the price is that such a pod trusts a removed CA until it ends.
 */
export async function readTrust(directory: string, admissionBundle: string): Promise<TrustedBundle> {
  const received = await readIfPresent(`${directory}/bundle.pem`);
  const bundlePem = joinBundle(received === undefined ? [admissionBundle] : [admissionBundle, received]);
  return { bundlePem, hash: bundleHash(received ?? admissionBundle) };
}

/** Stores the bundle of an answer; an empty one means that the stored bundle is the newest. */
export async function writeBundle(directory: string, bundle: string): Promise<void> {
  if (splitBundle(bundle).length > 0) await writeAtomically(`${directory}/bundle.pem`, bundle, 0o600);
}

/** Stores the grants in credentials.json, mode 0600. */
export async function writeGrants(directory: string, grants: Grants): Promise<void> {
  await writeAtomically(grantsPath(directory), encodeGrants(grants), 0o600);
}

/** The files of the directory that a renewal reads and writes. */
const IDENTITY_FILES: ReadonlySet<string> = new Set(["identity.pem", "bundle.pem", "credentials.json"]);

/**
 * Prepares the directory for a renewal. Removes temporary files of one that was killed: the volume is small, and they
 * may hold a key. Also removes what is in the place of a file and is none, or cannot be read, because it could never be
 * replaced; nobody but podrole uses the volume. Throws errors of the file system.
 */
export async function prepareDirectory({ log }: { readonly log: Log }, directory: string): Promise<void> {
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = `${directory}/${entry.name}`;
    const isUnusable = IDENTITY_FILES.has(entry.name) && !(entry.isFile() && (await canRead(path)));
    if (isUnusable) log.error({ path }, "removing what is in the place of a file and cannot be read as one");
    if (isUnusable || entry.name.endsWith(".tmp")) await rm(path, { recursive: true, force: true });
  }
}

function canRead(path: string): Promise<boolean> {
  return access(path, constants.R_OK).then(
    () => true,
    () => false,
  );
}
