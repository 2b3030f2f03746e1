// Stand-in for src/pki/bundle.ts: what follows from the text of a bundle is computed once for each text. Every renewal
// joins and hashes the bundle of its pod, in a process of its own; all pods of a simulation have the same few bundles.
import type { X509Certificate } from "node:crypto";
import * as real from "../../../src/pki/bundle.ts";

export * from "../../../src/pki/bundle.ts";

/** Certificates of pods pass by as well, and must not stay. */
const MAX_REMEMBERED = 1_000;

/** Returns `compute`, which remembers its results. */
function remembering<Value>(compute: (text: string) => Value): (text: string) => Value {
  const known = new Map<string, Value>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const value = compute(text);
    if (known.size >= MAX_REMEMBERED) known.clear();
    known.set(text, value);
    return value;
  };
}

export const bundleHash: typeof real.bundleHash = remembering(real.bundleHash);

const certificatesOf = remembering<X509Certificate[]>(real.readCertificates);
export const readCertificates: typeof real.readCertificates = (pem) => [...certificatesOf(pem)];

const joined = remembering((text) => real.joinBundle([text]));
export const joinBundle: typeof real.joinBundle = (pems) => joined(pems.join(""));
