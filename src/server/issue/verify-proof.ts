// Verifies the proof of callers of the identity port: it is a ServiceAccount token that the API server accepts for
// podrole's audience, bound to one pod that exists now with the same uid and ServiceAccount and has not finished. The
// API server does not verify the token's node claims (KEP-4193), so they decide nothing.
import type { Kubernetes, TokenReview } from "../../kubernetes/api.ts";
import { hasFinished, type Pod } from "../../kubernetes/objects.ts";
import { serviceAccountOf } from "../../policy/facts.ts";
import { type ErrorCode, isRefusal, type Refusal, refuse } from "../../protocol/errors.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Secret } from "../../runtime/secret.ts";
import type { KnownPod } from "./known-pod.ts";
import { findTokenProblem } from "./token-form.ts";
import type { LimitReviews } from "./token-reviews.ts";
import type { ReadSignedPod } from "./token-signature.ts";

/** What a caller claims to be. */
export interface ClaimedPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  readonly serviceAccount: string;
}

/** Returns the fields of an audit line that name a pod. */
export function podFields({ namespace, name, uid, serviceAccount }: ClaimedPod) {
  return { namespace, pod: name, podUid: uid, serviceAccount } as const;
}

/**
 * The pod behind a token, as the live API confirmed it. Not the whole object: its author chooses how large that is, and
 * a call keeps this while it waits for STS.
 */
export interface ProvenPod extends ClaimedPod {
  readonly known: KnownPod;
  /** "JTI=…" (Kubernetes 1.30+): joins podrole's audit lines with the API server's. */
  readonly credentialId: string | undefined;
}

/** Extra fields of a TokenReview (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/). */
const POD_NAME = "authentication.kubernetes.io/pod-name";
const POD_UID = "authentication.kubernetes.io/pod-uid";
const CREDENTIAL_ID = "authentication.kubernetes.io/credential-id";

export interface ProofVerifierDeps {
  readonly clock: Clock;
  readonly kubernetes: Pick<Kubernetes, "reviewToken" | "getPod">;
  /** Selects what is kept of the pod. */
  readonly describe: (pod: Pod) => KnownPod;
  readonly readSignedPod: ReadSignedPod;
  readonly limitReviews: LimitReviews;
}

/**
 * Returns the pod behind a token, or why it is refused: PROOF_REJECTED, POD_UNKNOWN, POD_FINISHED, or
 * SERVER_OVERLOADED while too many reviews are in flight. `peer`: "ip:port" of the caller. Rejects only as Kubernetes
 * look-ups do (KUBERNETES_UNAVAILABLE).
 */
export type VerifyProof = (token: Secret, peer: string) => Promise<ProvenPod | Refusal>;

/** True for refusals that anybody can cause; every other one follows a token that the API server accepted. */
export function isUnproven(code: ErrorCode): boolean {
  return code === "PROOF_REJECTED" || code === "KUBERNETES_UNAVAILABLE" || code === "SERVER_OVERLOADED";
}

/** Creates the check for tokens of one audience. */
export function createProofVerifier(
  { clock, kubernetes, describe, readSignedPod, limitReviews }: ProofVerifierDeps,
  { audience }: { readonly audience: string },
): VerifyProof {
  return async (token, peer) => {
    const problem = findTokenProblem(token, { audience, now: clock.now() });
    if (problem !== undefined) return tokenRejected(problem);
    const holder = { peer, pod: readSignedPod(token) };
    // The look-up of the pod as well: its author chooses how large it is.
    const proven = await limitReviews(holder, async () =>
      provePod({ kubernetes, describe }, await kubernetes.reviewToken(token, audience), audience),
    );
    return proven ?? TOO_MANY_REVIEWS;
  };
}

const TOO_MANY_REVIEWS = refuse(
  "SERVER_OVERLOADED",
  "Cannot review the ServiceAccount token: too many reviews are in flight; expected fewer callers at the same time",
);

async function provePod(
  { kubernetes, describe }: Pick<ProofVerifierDeps, "kubernetes" | "describe">,
  review: TokenReview,
  audience: string,
): Promise<ProvenPod | Refusal> {
  const problem = findReviewProblem(review, audience);
  if (problem !== undefined) return tokenRejected(problem);
  const [, namespace, serviceAccount] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(review.username) ?? [];
  if (namespace === undefined || serviceAccount === undefined)
    return tokenRejected(`its user is ${JSON.stringify(review.username)}; expected a ServiceAccount`);
  const name = onlyValue(review.extra[POD_NAME]);
  const uid = onlyValue(review.extra[POD_UID]);
  if (name === undefined || uid === undefined)
    return tokenRejected("it is not bound to one pod; expected a projected volume's token");
  const pod = await kubernetes.getPod(namespace, name);
  const found = verifyPod({ namespace, name, uid, serviceAccount }, pod && describe(pod));
  if (isRefusal(found)) return found;
  return { known: found, namespace, name, uid, serviceAccount, credentialId: onlyValue(review.extra[CREDENTIAL_ID]) };
}

/** What distinguishes one instance of a pod from another of the same name, and says whether it still runs. */
export interface PodInstance {
  readonly uid: string | undefined;
  readonly serviceAccount: string;
  readonly phase: string | undefined;
  readonly hasFinished: boolean;
}

export function instanceOf(pod: Pod): PodInstance {
  const { metadata, spec, status } = pod;
  return {
    uid: metadata.uid,
    serviceAccount: serviceAccountOf(spec),
    phase: status?.phase,
    hasFinished: hasFinished(pod),
  };
}

/**
 * Returns the pod that was found under the claimed name, or why it is another one or no longer entitled to credentials.
 */
export function verifyPod<Found extends PodInstance>(claimed: ClaimedPod, found: Found | undefined): Found | Refusal {
  const failure = `Cannot identify pod "${claimed.namespace}/${claimed.name}"`;
  if (found === undefined) return refuse("POD_UNKNOWN", `${failure}: there is no such pod`);
  if (found.uid !== claimed.uid) {
    return refuse("POD_UNKNOWN", `${failure}: its uid differs from the caller's; expected "${claimed.uid}"`);
  }
  if (found.serviceAccount !== claimed.serviceAccount) {
    return refuse(
      "POD_UNKNOWN",
      `${failure}: it runs as another ServiceAccount; expected the caller's, "${claimed.serviceAccount}"`,
    );
  }
  if (found.hasFinished)
    return refuse("POD_FINISHED", `${failure}: its phase is ${found.phase}; expected a pod that has not finished`);
  return found;
}

function tokenRejected(state: string): Refusal {
  return refuse("PROOF_REJECTED", `Cannot accept the ServiceAccount token: ${state}`);
}

/** Returns why the review does not show a token for this audience; undefined if it does. */
export function findReviewProblem(
  { authenticated, audiences, error }: TokenReview,
  audience: string,
): string | undefined {
  if (!authenticated) return `the API server does not accept it${error === "" ? "" : ` (${error})`}`;
  // An API server that does not support audiences leaves the list empty: the token may then be for any audience.
  if (audiences.includes(audience)) return undefined;
  return `its audiences are ${JSON.stringify(audiences)}; expected ${JSON.stringify(audience)}`;
}

/** The value of an extra field that has exactly one. */
function onlyValue(values: readonly string[] | undefined): string | undefined {
  return values?.length === 1 ? values[0] : undefined;
}
