// Identifies the caller of the credentials port by its client certificate, anew at each call: TLS verified it once,
// when the connection opened, and a connection lasts up to 15 minutes.
import type { X509Certificate } from "node:crypto";
import { readCertificates } from "../../pki/bundle.ts";
import { refuseChain } from "../../pki/chain.ts";
import { type PodIdentity, podIdentityOf } from "../../pki/identity.ts";
import { isRefusal, PodroleError } from "../../protocol/errors.ts";
import type { Peer } from "../../protocol/listener.ts";
import type { Clock } from "../../runtime/clock.ts";

export interface CallerIdentifierDeps {
  readonly clock: Clock;
  /** The trust bundle at the time of the call. */
  readonly bundlePem: () => string;
}

/** Returns the pod that the peer's certificate names. Throws PodroleError CERTIFICATE_REJECTED. */
export type IdentifyCaller = (peer: Pick<Peer, "certificate">) => PodIdentity;

/** Creates the check. It parses the bundle once per change. */
export function createCallerIdentifier(
  { clock, bundlePem }: CallerIdentifierDeps,
  { trustDomain }: { readonly trustDomain: string },
): IdentifyCaller {
  let parsed: { readonly pem: string; readonly authorities: readonly X509Certificate[] } = { pem: "", authorities: [] };
  function authorities(): readonly X509Certificate[] {
    const pem = bundlePem();
    if (pem !== parsed.pem) parsed = { pem, authorities: readCertificates(pem) };
    return parsed.authorities;
  }

  return ({ certificate }) => {
    if (certificate === undefined) {
      throw new PodroleError(
        "CERTIFICATE_REJECTED",
        "Cannot identify the caller: it presented no client certificate; expected the certificate of a pod",
      );
    }
    const identity = refuseChain(certificate, authorities(), clock.now()) ?? podIdentityOf(certificate, trustDomain);
    if (isRefusal(identity)) throw new PodroleError(identity.code, identity.message);
    return identity;
  };
}
