// Names of podrole's part in the pod certificates of Kubernetes 1.37: volumes with them name the signer and the bundle.
// (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#pod-certificate-requests)

/** `signerName` of the requests that podrole's server answers. */
export const POD_SIGNER_NAME = "podrole.io/pod";

/**
 * Name of the ClusterTrustBundle in which the server publishes its trust bundle. Kubernetes requires the signer's name
 * at its beginning, and lets only users write it who may attest for the signer.
 */
export const POD_BUNDLE_NAME = "podrole.io:pod:trust";

/**
 * Key of ConfigMap podrole-trust in which the server publishes whether new pods get a pod certificate: "on" or "off".
 * Absent: the server does not sign, or does not know yet.
 */
export const POD_CERTIFICATES_KEY = "pod-certificates";

/** Whether new pods get a pod certificate, where `--pod-certificates=auto` leaves it to the server. */
export type PodCertificateSupport = "on" | "off";

/** Reads what the server has published in the data of ConfigMap podrole-trust; undefined: nothing. */
export function publishedSupport(data: Readonly<Record<string, string>> = {}): PodCertificateSupport | undefined {
  const value = data[POD_CERTIFICATES_KEY];
  return value === "on" || value === "off" ? value : undefined;
}
