// The two forms of the volume that proves the pod: a ServiceAccount token, or with pod certificates (Kubernetes 1.37)
// the pod's key and certificate, and the trust bundle. In either form the kubelet keeps the files current.
// (https://kubernetes.io/docs/concepts/storage/projected-volumes/#podcertificate)
import type { Volume } from "../kubernetes/objects.ts";
import { ANNOTATIONS, quoted, valueOf } from "../policy/annotations.ts";
import { type Refusal, refuse } from "../protocol/errors.ts";
import { POD_SIGNER_NAME } from "../protocol/pod-certificates.ts";
import { isObject } from "../runtime/json-object.ts";
import { MOUNT_PATHS, PODROLE_NAMES } from "./names.ts";

/** Files of the volume. */
const PROOF_FILES = { token: "token", certificate: "credentials.pem", bundle: "bundle.pem" } as const;

/** Paths of the files in podrole's containers. */
export const PROOF_PATHS = {
  token: `${MOUNT_PATHS.proof}/${PROOF_FILES.token}`,
  certificate: `${MOUNT_PATHS.proof}/${PROOF_FILES.certificate}`,
  bundle: `${MOUNT_PATHS.proof}/${PROOF_FILES.bundle}`,
} as const;

/**
 * The sidecar reads its proof twice an hour. The kubelet replaces a token after 80 % of its lifetime, with one
 * TokenRequest each time, and the token is bound to the pod however long it lives.
 * (https://kubernetes.io/docs/concepts/storage/projected-volumes/#serviceaccounttoken)
 */
const PROOF_LIFETIME_SECONDS = 3_600;

/** Returns the sources of the projected volume that proves the pod. */
export function proofSources({
  audience,
  podCertificates,
}: {
  readonly audience: string;
  readonly podCertificates: boolean;
}): readonly object[] {
  if (!podCertificates) {
    const path = PROOF_FILES.token;
    return [{ serviceAccountToken: { audience, expirationSeconds: PROOF_LIFETIME_SECONDS, path } }];
  }
  const { certificate: credentialBundlePath, bundle: path } = PROOF_FILES;
  return [
    // No maxExpirationSeconds: the server chooses the lifetime, at most Kubernetes' default of a day.
    { podCertificate: { signerName: POD_SIGNER_NAME, keyType: "ECDSAP256", credentialBundlePath } },
    // By the signer, with the empty selector, which selects all: a kubelet of 1.37 remembers a bundle that it reads by
    // name for 5 minutes, whatever becomes of it (pkg/kubelet/clustertrustbundle).
    { clusterTrustBundle: { signerName: POD_SIGNER_NAME, labelSelector: {}, path } },
  ];
}

/**
 * Reports whether a projected volume has sources of one of the two forms: tokens alone, or certificates of podrole's
 * signer and podrole's trust bundle.
 */
export function areProofSources(sources: unknown): boolean {
  if (!Array.isArray(sources) || sources.length === 0) return false;
  return sources.every((source) => hasOnly(source, "serviceAccountToken")) || sources.every(isCertificateSource);
}

/** Reports whether the volume projects a certificate of podrole's signer. */
export function hasPodCertificate(volume: Volume): boolean {
  return sourcesOf(volume).some(isOwnCertificate);
}

/**
 * Reports whether the API server has taken the sources out of the volume: while a feature is switched off, it stores an
 * object without the fields of that feature, here of pod certificates.
 * (https://github.com/kubernetes/community/blob/main/contributors/devel/sig-architecture/api_changes.md, "alpha field")
 */
export function hasLostSources(volume: Volume): boolean {
  const sources = sourcesOf(volume);
  const isProof = volume.name === PODROLE_NAMES.proofVolume && sources.length > 0;
  return isProof && sources.every((source) => isObject(source) && Object.keys(source).length === 0);
}

/** The sources of a projected volume; none for another one. */
function sourcesOf({ projected }: Volume): readonly unknown[] {
  const sources = isObject(projected) ? projected["sources"] : undefined;
  return Array.isArray(sources) ? sources : [];
}

function isCertificateSource(source: unknown): boolean {
  if (isOwnCertificate(source)) return true;
  if (!hasOnly(source, "clusterTrustBundle")) return false;
  return sourceField(source, "clusterTrustBundle", "signerName") === POD_SIGNER_NAME;
}

function isOwnCertificate(source: unknown): boolean {
  if (!hasOnly(source, "podCertificate")) return false;
  return sourceField(source, "podCertificate", "signerName") === POD_SIGNER_NAME;
}

function hasOnly(source: unknown, kind: string): source is Record<string, unknown> {
  return isObject(source) && Object.keys(source).join() === kind;
}

function sourceField(source: Record<string, unknown>, kind: string, field: string): unknown {
  const value = source[kind];
  return isObject(value) ? value[field] : undefined;
}

/**
 * Reports whether pods of the namespace get a pod certificate: by its annotation, or else by the setting.
 * ANNOTATION_INVALID for another value than enabled and disabled.
 */
export function usesPodCertificates(
  namespaceAnnotations: Readonly<Record<string, string>>,
  setting: boolean,
): boolean | Refusal {
  const value = valueOf(namespaceAnnotations, ANNOTATIONS.podCertificates);
  if (value === undefined) return setting;
  if (value === "enabled" || value === "disabled") return value === "enabled";
  const name = `${ANNOTATIONS.podCertificates} of the namespace`;
  const expected = 'expected "enabled" or "disabled"';
  return refuse("ANNOTATION_INVALID", `Cannot use ${name}: it is ${quoted(value)}; ${expected}`);
}
