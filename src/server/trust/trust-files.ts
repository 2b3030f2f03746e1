// Trust from the operator's own CA files: read again at each look, so a replaced file is followed. What was believed
// before stays in the bundle until its last leaf has expired. (A restart forgets that.) What is still to come cannot be
// guessed: pods must have heard of a new root before it signs, so it stands behind the old one in the file first.
import { bundleHash, joinBundle, splitBundle } from "../../pki/bundle.ts";
import { readAuthority } from "../../pki/own-authority.ts";
import { PodroleError } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import { readIfPresent } from "../../runtime/files.ts";
import type { Log } from "../../runtime/log.ts";
import { Secret } from "../../runtime/secret.ts";
import type { ReadTrust } from "./authority-keeper.ts";

export interface TrustFilesOptions {
  readonly certificateFile: string;
  readonly keyFile: string;
  /** Longest life of a leaf: how long a replaced CA stays believed, in milliseconds. */
  readonly leafLifetimeMs: number;
}

export function trustFromFiles(
  { clock, log }: { readonly clock: Clock; readonly log: Log },
  { certificateFile, keyFile, leafLifetimeMs }: TrustFilesOptions,
): ReadTrust {
  /** Earlier contents of the certificate file by hash, and until when they are believed. */
  const earlier = new Map<string, { readonly pem: string; readonly until: number }>();
  let last: string | undefined;
  let believed = "";

  return async () => {
    const [certificatePem, key] = await Promise.all([readIfPresent(certificateFile), readIfPresent(keyFile)]);
    if (certificatePem === undefined) throw unusable(`${certificateFile} does not exist`);
    if (key === undefined) throw unusable(`${keyFile} does not exist`);
    const now = clock.now();
    const authority = readAuthority(certificatePem, new Secret(key), now);
    if (typeof authority === "string") throw unusable(authority);
    if (last !== undefined && last !== certificatePem) {
      earlier.set(bundleHash(last), { pem: last, until: now + leafLifetimeMs });
      const root = splitBundle(authority.certificatePem).at(-1) ?? "";
      if (!splitBundle(believed).includes(root)) log.warn({ certificateFile }, UNHEARD_OF);
    }
    last = certificatePem;
    for (const [hash, { until }] of earlier) if (until <= now) earlier.delete(hash);
    believed = joinBundle([certificatePem, ...[...earlier.values()].map(({ pem }) => pem)]);
    return { authority, bundlePem: believed };
  };
}

const UNHEARD_OF =
  "the CA's new root signs at once: pods that were created before cannot reach this server until they are restarted";

function unusable(state: string): PodroleError {
  return new PodroleError("AUTHORITY_UNAVAILABLE", `Cannot use the CA of --ca-cert and --ca-key: ${state}`);
}
