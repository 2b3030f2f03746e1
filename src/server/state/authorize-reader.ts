// May this caller read the server's state? A token of podrole's audience → TokenReview → SubjectAccessReview.
// Kubernetes decides both; nothing is remembered, so a right that is withdrawn ends with the next call.
//
// The whole cluster: `get` on the non-resource URL /podrole/state, which only a ClusterRole can grant. One namespace:
// `get` on resource "state" of API group "podrole.io" in that namespace. No such resource exists; RBAC needs none, and
// a resource has what a URL lacks: a Role, or a RoleBinding to one ClusterRole, grants it in a single namespace.
// (https://kubernetes.io/docs/reference/access-authn-authz/rbac/#referring-to-resources)
import type { AccessAttributes, Kubernetes, ReviewedUser, TokenReview } from "../../kubernetes/api.ts";
import { isRefusal, type Refusal, refuse } from "../../protocol/errors.ts";
import { STATE_PATH } from "../../protocol/state/model.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Secret } from "../../runtime/secret.ts";
import { findTokenProblem } from "../issue/token-form.ts";
import type { LimitReviews, TokenReviewLimits } from "../issue/token-reviews.ts";
import type { ReadSignedPod } from "../issue/token-signature.ts";
import { findReviewProblem } from "../issue/verify-proof.ts";

/** Reviews of callers of the state port: operators and dashboards are few, and strangers get little. */
export const READER_REVIEW_LIMITS: TokenReviewLimits = {
  signed: { inFlight: 8, perPod: 8, waiting: 8 },
  others: { inFlight: 4, perAddress: 4 },
};

export interface ReaderAuthorizerDeps {
  readonly clock: Clock;
  readonly kubernetes: Pick<Kubernetes, "reviewToken" | "reviewAccess">;
  readonly readSignedPod: ReadSignedPod;
  readonly limitReviews: LimitReviews;
}

/** The caller; `username` is absent if its token was not accepted. */
export interface StateReader {
  readonly username?: string;
  readonly refusal?: Refusal;
}

/**
 * Returns the caller, with the refusal if it may not read the state of the namespace, or of the cluster without one:
 * PROOF_REJECTED, READER_FORBIDDEN, or SERVER_OVERLOADED while too many reviews are in flight. `peer`: "ip:port".
 * Rejects as Kubernetes look-ups do (KUBERNETES_UNAVAILABLE).
 */
export type AuthorizeReader = (token: Secret, namespace: string | undefined, peer: string) => Promise<StateReader>;

/** Creates the check for tokens of one audience. */
export function createReaderAuthorizer(
  { clock, kubernetes, readSignedPod, limitReviews }: ReaderAuthorizerDeps,
  { audience }: { readonly audience: string },
): AuthorizeReader {
  async function review(token: Secret, namespace: string | undefined): Promise<StateReader> {
    const user = acceptedUser(await kubernetes.reviewToken(token, audience), audience);
    if (isRefusal(user)) return { refusal: user };
    const { username } = user;
    for (const access of accessOptions(namespace)) {
      if (await kubernetes.reviewAccess(user, access)) return { username };
    }
    return { username, refusal: forbidden(username, namespace) };
  }

  return async (token, namespace, peer) => {
    const problem = findTokenProblem(token, { audience, now: clock.now(), origin: "a TokenRequest" });
    if (problem !== undefined) return { refusal: readerTokenRejected(problem) };
    const holder = { peer, pod: readSignedPod(token) };
    return (await limitReviews(holder, () => review(token, namespace))) ?? { refusal: TOO_MANY_READERS };
  };
}

/** Any of these is enough. Who may read the state of the cluster may read that of each namespace. */
function accessOptions(namespace: string | undefined): readonly AccessAttributes[] {
  const cluster = { nonResourceAttributes: { path: STATE_PATH, verb: "get" } };
  if (namespace === undefined) return [cluster];
  return [{ resourceAttributes: { group: "podrole.io", resource: "state", verb: "get", namespace } }, cluster];
}

function acceptedUser(review: TokenReview, audience: string): ReviewedUser | Refusal {
  const problem = findReviewProblem(review, audience);
  return problem === undefined ? review : readerTokenRejected(problem);
}

function readerTokenRejected(state: string): Refusal {
  return refuse("PROOF_REJECTED", `Cannot accept the caller's token: ${state}`);
}

function forbidden(username: string, namespace: string | undefined): Refusal {
  const what = namespace === undefined ? "the server's state" : `the server's state of namespace "${namespace}"`;
  const right =
    namespace === undefined
      ? `permission to get ${STATE_PATH}`
      : `permission to get state.podrole.io in namespace "${namespace}"`;
  return refuse("READER_FORBIDDEN", `Cannot show ${what} to ${username}: it is not authorized; expected ${right}`);
}

const TOO_MANY_READERS = refuse(
  "SERVER_OVERLOADED",
  "Cannot review the caller's token: too many reviews are in flight; expected fewer callers at the same time",
);
