// Compares the CAs that a pod was created with, which its sidecar's environment has, with the published trust bundle.
import type { X509Certificate } from "node:crypto";
import { PODROLE_NAMES } from "../injection/names.ts";
import { allContainers } from "../injection/shape.ts";
import type { Pod } from "../kubernetes/objects.ts";
import { readCertificates } from "../pki/bundle.ts";
import type { PodTrust } from "./untrusted-server.ts";

/** The sidecar's variable with the CAs that the pod was created with, as PEM. */
const BUNDLE_VARIABLE = "PODROLE_TRUST_BUNDLE";

/** Compares a pod's CAs with the published bundle (PEM); undefined if either is unknown. */
export function comparePodTrust(pod: Pod, published: string | undefined): PodTrust | undefined {
  return compareTrust(podBundle(pod), published);
}

/** Returns the CAs that a pod was created with, as PEM; undefined if the pod does not say. */
export function podBundle(pod: Pod): string | undefined {
  const sidecar = allContainers(pod).find(({ name }) => name === PODROLE_NAMES.sidecar);
  return sidecar?.env?.find(({ name }) => name === BUNDLE_VARIABLE)?.value;
}

/** As comparePodTrust(), with the pod's bundle. */
export function compareTrust(own: string | undefined, published: string | undefined): PodTrust | undefined {
  if (own === undefined || published === undefined) return undefined;
  const held = readCertificates(own);
  const all = readCertificates(published);
  if (held.length === 0 || all.length === 0) return undefined;
  const lacking = all.filter(({ raw }) => held.every((certificate) => !certificate.raw.equals(raw)));
  return { published: all.length, lacking: lacking.map(certificateText) };
}

function certificateText({ subject, fingerprint256 }: X509Certificate): string {
  return `${subject.replaceAll("\n", ", ")} (${fingerprint256.slice(0, FINGERPRINT_LENGTH)}...)`;
}

/** Eight bytes. */
const FINGERPRINT_LENGTH = 23;
