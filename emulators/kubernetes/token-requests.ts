// Handles TokenRequest and TokenReview: the checks before a token is signed, and the status of a review.
// (https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-request-v1/)
import { formatSeconds } from "../../src/runtime/clock.ts";
import { fieldAt, type KubeObject } from "./objects.ts";
import { resourceNamed } from "./resources.ts";
import { API_AUDIENCE, type BoundPod, type ServiceAccountTokens } from "./service-account-tokens.ts";
import { badRequest, conflictError, invalidError } from "./status.ts";
import type { NewObject, Store } from "./store.ts";

/** In the audit log (Kubernetes 1.30): links uses of the token to the request that issued it. */
const ISSUED_CREDENTIAL_ID_ANNOTATION = "authentication.kubernetes.io/issued-credential-id";

const MIN_EXPIRATION_SECONDS = 600;
const DEFAULT_EXPIRATION_SECONDS = 3600;

/** The spec of a TokenRequest (authentication.k8s.io/v1). */
export interface TokenRequestSpec {
  readonly audiences?: readonly string[];
  readonly expirationSeconds?: number;
  readonly boundObjectRef?: { readonly kind?: string; readonly name?: string; readonly uid?: string };
}

/** Answers POST …/serviceaccounts/NAME/token. */
export function createTokenRequest(
  { store, tokens }: { readonly store: Store; readonly tokens: ServiceAccountTokens },
  { namespace, name }: { readonly namespace: string; readonly name: string },
  request: NewObject,
  { annotations }: { readonly annotations: Record<string, string> },
): KubeObject {
  const account = store.get("serviceaccounts", namespace, name);
  const {
    audiences,
    expirationSeconds = DEFAULT_EXPIRATION_SECONDS,
    boundObjectRef,
  } = (request["spec"] ?? {}) as TokenRequestSpec;
  if (expirationSeconds < MIN_EXPIRATION_SECONDS) {
    const message = `Invalid value: ${expirationSeconds}: may not specify a duration less than 10 minutes`;
    const cause = { reason: "FieldValueInvalid", message, field: "spec.expirationSeconds" };
    throw invalidError(
      { ...resourceNamed("serviceaccounts"), group: "authentication.k8s.io", kind: "TokenRequest" },
      "",
      [cause],
    );
  }
  const { token, jti, expiresAt } = tokens.sign({
    namespace,
    serviceAccount: { name, uid: account.metadata.uid ?? "" },
    pod: boundObjectRef && boundPod(store, { namespace, name }, boundObjectRef),
    audiences: audiences?.length ? audiences : [API_AUDIENCE],
    lifetimeSeconds: expirationSeconds,
  });
  annotations[ISSUED_CREDENTIAL_ID_ANNOTATION] = `JTI=${jti}`;
  return {
    ...request,
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenRequest",
    metadata: { name, namespace },
    status: { token, expirationTimestamp: formatSeconds(expiresAt) },
  };
}

function boundPod(
  store: Store,
  account: { readonly namespace: string; readonly name: string },
  { kind = "", name = "", uid = "" }: NonNullable<TokenRequestSpec["boundObjectRef"]>,
): BoundPod {
  if (kind !== "Pod") throw badRequest(`cannot bind token to object of type /v1, Kind=${kind}`);
  const pod = store.get("pods", account.namespace, name);
  const presentUid = pod.metadata.uid ?? "";
  if (uid !== "" && uid !== presentUid) {
    const why = `the UID in the bound object reference (${uid}) does not match the UID in record. The object might have been deleted and then recreated`;
    throw conflictError(resourceNamed("pods"), name, why);
  }
  if (fieldAt(pod, "spec.serviceAccountName") !== account.name) {
    throw badRequest(
      `cannot bind token for serviceaccount "${account.name}" to pod running with different serviceaccount name.`,
    );
  }
  return { name, uid: presentUid, nodeName: fieldAt(pod, "spec.nodeName") as string | undefined };
}

/** Answers POST …/tokenreviews. */
export function createTokenReview(tokens: ServiceAccountTokens, request: NewObject): KubeObject {
  const { token = "", audiences = [] } = (request["spec"] ?? {}) as { token?: string; audiences?: string[] };
  if (token === "") throw badRequest("token is required for TokenReview in authentication");
  const reviewed = tokens.review(token, audiences.length > 0 ? audiences : [API_AUDIENCE]);
  const status = "error" in reviewed ? { user: {}, error: reviewed.error } : { authenticated: true, ...reviewed };
  return {
    ...request,
    apiVersion: "authentication.k8s.io/v1",
    kind: "TokenReview",
    metadata: request.metadata,
    status,
  };
}
