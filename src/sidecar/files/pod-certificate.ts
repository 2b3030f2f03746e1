// The pod's key and certificate in a volume of the kubelet's (podCertificate, Kubernetes 1.37): one file with the key
// (PKCS #8) and the chain, and beside it the trust bundle. The kubelet replaces both files in one step when it has
// renewed the certificate or the bundle has changed, so each renewal reads them anew and stores no copy.
// (https://kubernetes.io/docs/concepts/storage/projected-volumes/#podcertificate)
import { notAfterOf, notBeforeOf, splitBundle } from "../../pki/bundle.ts";
import { PodroleError } from "../../protocol/errors.ts";
import { readIfPresent } from "../../runtime/files.ts";
import { Secret } from "../../runtime/secret.ts";
import { BEGIN_CERTIFICATE, type Identity } from "./identity-files.ts";

/**
 * Returns the identity in the file. The kubelet renews it, so it is due for this pod only when it expires. Throws
 * PodroleError PROOF_REJECTED if there is none, or if it has expired at `now` (Unix milliseconds).
 */
export async function readPodCertificate(file: string, now: number): Promise<Identity> {
  const text = (await readIfPresent(file)) ?? "";
  const border = text.indexOf(BEGIN_CERTIFICATE);
  const certificatePem = border < 0 ? "" : text.slice(border);
  if (border <= 0 || splitBundle(certificatePem).length === 0) {
    throw certificateUnusable(file, "has no key and certificate");
  }
  const expiresAtMs = notAfterOf(certificatePem);
  if (expiresAtMs <= now) throw certificateUnusable(file, `expired at ${new Date(expiresAtMs).toISOString()}`);
  const issuedAtMs = Math.min(notBeforeOf(certificatePem), now);
  return {
    privateKey: new Secret(text.slice(0, border)),
    certificatePem,
    issuedAtMs,
    renewAtMs: expiresAtMs,
    renewableAtMs: expiresAtMs,
    expiresAtMs,
  };
}

/** Reads the bundle in the file. Throws PodroleError PROOF_REJECTED if it has no certificate. */
export async function readPodBundle(file: string): Promise<string> {
  const bundlePem = (await readIfPresent(file)) ?? "";
  if (splitBundle(bundlePem).length > 0) return bundlePem;
  throw certificateUnusable(file, "has no trust bundle");
}

function certificateUnusable(file: string, state: string): PodroleError {
  const message = `Cannot use the pod certificate: ${file} ${state}; expected the kubelet to have written a current one`;
  return new PodroleError("PROOF_REJECTED", message);
}
