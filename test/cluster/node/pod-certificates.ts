// Shared by the tests of pod certificates on a real node (Kubernetes 1.37): the signer, the requests of pods, and pods
// with further certificates of podrole's signer.
import { after, before } from "node:test";
import type { PodCertificateRequest } from "../../../src/kubernetes/objects.ts";
import { ANNOTATIONS } from "../../../src/policy/annotations.ts";
import { installSigner, uninstallSigner } from "./install/signer.ts";
import { kubectl, type SuiteNamespace } from "./suite.ts";

const SERVED = await kubectl.run(["get", "podcertificaterequests", "--all-namespaces"]);

/** Why tests of pod certificates are skipped; false: they run. */
export const skipsPodCertificates = SERVED.code === 0 ? false : "the API server does not serve PodCertificateRequests";
/** Metadata of a namespace whose pods get a pod certificate. */
export const CERTIFIED = { annotations: { [ANNOTATIONS.podCertificates]: "enabled" } };

/** For the tests of one file: the server signs pod certificates. */
export function useSigner(): void {
  before(() => installSigner(kubectl));
  after(() => uninstallSigner(kubectl));
}

/** Resolves with all requests of the namespace; Kubernetes removes each after 15 to 20 minutes. */
export async function requestsOf(namespace: SuiteNamespace): Promise<readonly PodCertificateRequest[]> {
  const text = await namespace.ok(["get", "podcertificaterequests", "-o", "json"]);
  return (JSON.parse(text) as { readonly items: readonly PodCertificateRequest[] }).items;
}

/** The type of the request's condition: Issued, Denied or Failed; undefined while there is no answer. */
export const answerOf = ({ status }: PodCertificateRequest): string | undefined => status?.conditions?.[0]?.type;

/** A volume with a certificate of podrole's signer, beside podrole's own one. */
export function certificateVolume(name: string, change: Readonly<Record<string, unknown>> = {}) {
  const podCertificate = {
    signerName: "podrole.io/pod",
    keyType: "ECDSAP256",
    credentialBundlePath: "credentials.pem",
    ...change,
  };
  return { name, projected: { sources: [{ podCertificate }] } };
}

/** The mount of such a volume. */
export const certificateMount = (name: string) => ({ name, mountPath: `/certificates/${name}`, readOnly: true });
