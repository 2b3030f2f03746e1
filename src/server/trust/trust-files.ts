// Trust from the operator's own CA files: read again at each check, so that a replaced file takes effect. A replaced CA
// stays in the bundle until the last certificate that it signed has expired; a restart of the server forgets it. A CA
// to come cannot be guessed: pods must receive a new root before it signs, so the operator appends it to the
// certificate file first, behind the old chain.
// States of a replaced CA: trusted (for leafLifetimeMs and ten minutes, by wall clock or elapsed time) → dropped (at
// the first check after that).
import { bundleHash, joinBundle, splitBundle } from "../../pki/bundle.ts";
import { readAuthority } from "../../pki/own-authority.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { type Clock, MINUTE_MS } from "../../runtime/clock.ts";
import { type DueTime, dueAfter, isDue } from "../../runtime/due.ts";
import { readIfPresent } from "../../runtime/files.ts";
import type { Log } from "../../runtime/log.ts";
import { Secret } from "../../runtime/secret.ts";
import type { ReadTrust } from "./authority-poller.ts";

export interface TrustFilesOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Longest lifetime of a certificate, and so the time for which a replaced CA stays trusted, in milliseconds. */
  readonly leafLifetimeMs: number;
}

/** Replicas see a changed file at different times, and sign with the replaced CA until then. */
const FILES_SETTLE_MS = 10 * MINUTE_MS;

/** Reads trust from two PEM files. Rejects with AUTHORITY_UNAVAILABLE if a file is absent or the CA is unusable. */
export function trustFromFiles(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { certificateFile, keyFile, leafLifetimeMs }: TrustFilesOptions,
): ReadTrust {
  /** Earlier contents of the certificate file by hash, trusted until `until`. */
  const replaced = new Map<string, { readonly pem: string; readonly until: DueTime }>();
  let last: string | undefined;
  let bundlePem = "";

  return async () => {
    // One after the other, so that the message names the same file each time if both are missing.
    const certificatePem = await readPem(certificateFile);
    const key = await readPem(keyFile);
    const now = clock.now();
    const read = readAuthority(certificatePem, new Secret(key), now);
    if (!read.ok) throw caFilesUnusable(read.problem);
    const authority = read.value;
    if (last !== undefined && last !== certificatePem) {
      replaced.set(bundleHash(last), { pem: last, until: dueAfter(clock, FILES_SETTLE_MS + leafLifetimeMs) });
      const root = splitBundle(authority.certificatePem).at(-1) ?? "";
      if (!splitBundle(bundlePem).includes(root)) log.warn({ certificateFile }, ROOT_NOT_PUBLISHED);
    }
    last = certificatePem;
    for (const [hash, { until }] of replaced) if (isDue(clock, until)) replaced.delete(hash);
    bundlePem = joinBundle([certificatePem, ...[...replaced.values()].map(({ pem }) => pem)]);
    return { authority, bundlePem };
  };
}

const ROOT_NOT_PUBLISHED =
  "certificates are now signed below a new root: pods that were created before this change cannot reach this server until they are restarted";

async function readPem(file: string): Promise<string> {
  let text: string | undefined;
  try {
    text = await readIfPresent(file);
  } catch (error) {
    // The system's message for a directory names no path.
    const state = `${file} cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw caFilesUnusable(`${state}; expected a PEM file`);
  }
  if (text === undefined) throw caFilesUnusable(`${file} does not exist; expected a PEM file`);
  return text;
}

function caFilesUnusable(state: string): PodroleError {
  return new PodroleError("AUTHORITY_UNAVAILABLE", `Cannot use the CA of --ca-cert and --ca-key: ${state}`);
}
