// Whether the API server serves pod certificates: an older one does not, nor one on which they are switched off.
import type { Kubernetes } from "./api.ts";

/** Reads it by discovery, which needs no right. Throws ApiError. */
export async function servesPodCertificates(kubernetes: Pick<Kubernetes, "servesResource">): Promise<boolean> {
  const requests = await kubernetes.servesResource("podcertificaterequests");
  return requests && (await kubernetes.servesResource("clustertrustbundles"));
}
