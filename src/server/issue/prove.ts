// Who is calling the identity port? A ServiceAccount token that the API server accepts for our audience, bound to one
// pod, which exists now with the same uid and the same service account and has not finished. Node claims in the token
// are not verified by the API server (KEP-4193), so nothing is decided by them.
import type { Kubernetes } from "../../kubernetes/api.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import type { Refusal } from "../../protocol/errors.ts";
import type { Secret } from "../../runtime/secret.ts";

/** The pod behind a token, as the live API confirmed it. */
export interface ProvenPod {
  readonly pod: Pod;
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
  /** "JTI=…" (Kubernetes 1.30+): joins podrole's audit lines with the API server's. */
  readonly credentialId: string | undefined;
}

/** Extra fields of a TokenReview (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/). */
const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";
const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";

/** Throws only what Kubernetes look-ups throw (KUBERNETES_UNAVAILABLE); everything else is a value. */
export async function provePod(
  kubernetes: Pick<Kubernetes, "reviewToken" | "getPod">,
  token: Secret,
  audience: string,
): Promise<ProvenPod | Refusal> {
  const review = await kubernetes.reviewToken(token, audience);
  if (!review.authenticated) return rejected(`the API server does not accept it${said(review.error)}`);
  // An API server that does not know audiences leaves the list empty: the token may then be for anybody.
  if (!review.audiences.includes(audience)) return rejected(`it is not for audience ${JSON.stringify(audience)}`);
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(review.username) ?? [];
  if (namespace === undefined || serviceAccount === undefined) return rejected("it is not of a ServiceAccount");
  const name = only(review.extra[POD_NAME]);
  const uid = only(review.extra[POD_UID]);
  if (name === undefined || uid === undefined) return rejected("it is not bound to one pod");
  const pod = await kubernetes.getPod(namespace, name);
  const refusal = refuseStranger({ namespace, name, uid, serviceAccount }, pod);
  if (refusal) return refusal;
  // refuseStranger() lets only a present pod pass.
  return { pod: pod as Pod, namespace, name, uid, serviceAccount, credentialId: only(review.extra[CREDENTIAL_ID]) };
}

/** Why this pod of the API is not the one that the caller proved to be, or has no more claim to credentials. */
export function refuseStranger(
  claimed: { readonly namespace: string; readonly name: string; readonly uid: string; readonly serviceAccount: string },
  pod: Pod | undefined,
): Refusal | undefined {
  const who = `Cannot identify pod "${claimed.namespace}/${claimed.name}"`;
  if (pod === undefined) return { code: "POD_UNKNOWN", message: `${who}: there is no such pod` };
  if (pod.metadata.uid !== claimed.uid) {
    return { code: "POD_UNKNOWN", message: `${who}: the pod of this name has another uid than the caller` };
  }
  if ((pod.spec.serviceAccountName ?? "default") !== claimed.serviceAccount) {
    return { code: "POD_UNKNOWN", message: `${who}: the pod runs as another ServiceAccount than the caller` };
  }
  if (hasFinished(pod)) return { code: "POD_FINISHED", message: `${who}: its phase is ${pod.status?.phase}` };
  return undefined;
}

export function hasFinished({ status }: Pod): boolean {
  return status?.phase === "Succeeded" || status?.phase === "Failed";
}

function rejected(state: string): Refusal {
  return { code: "PROOF_REJECTED", message: `Cannot accept the ServiceAccount token: ${state}` };
}

function said(error: string): string {
  return error === "" ? "" : ` (${error})`;
}

function only(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}
