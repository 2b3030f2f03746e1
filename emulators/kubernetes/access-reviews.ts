// SubjectAccessReview and SelfSubjectAccessReview: what a user is allowed to do, decided by the same rules as requests.
// (https://kubernetes.io/docs/reference/kubernetes-api/authorization-resources/subject-access-review-v1/)
import { type Access, type UserInfo, userGroups } from "./access.ts";
import type { KubeObject } from "./objects.ts";
import type { Verb } from "./request-info.ts";
import { anyResource } from "./resources.ts";
import { badRequest, StatusError } from "./status.ts";
import type { NewObject } from "./store.ts";

interface ReviewSpec {
  readonly user?: string;
  readonly nonResourceAttributes?: { readonly path?: string; readonly verb?: string };
  readonly resourceAttributes?: {
    readonly group?: string;
    readonly resource?: string;
    readonly subresource?: string;
    readonly verb?: string;
    readonly namespace?: string;
    readonly name?: string;
  };
}

/** Answers a review. One without `spec.user` is about `caller`. */
export function createAccessReview(access: Access, request: NewObject, caller: UserInfo): KubeObject {
  const { user, resourceAttributes, nonResourceAttributes } = (request["spec"] ?? {}) as ReviewSpec;
  if ((resourceAttributes === undefined) === (nonResourceAttributes === undefined))
    throw badRequest("exactly one of nonResourceAttributes or resourceAttributes must be specified");
  const subject = user === undefined ? caller : { username: user, groups: userGroups(user) };
  const answer = (status: object) => ({
    ...request,
    apiVersion: "authorization.k8s.io/v1",
    kind: user === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview",
    metadata: {},
    status,
  });
  if (resourceAttributes === undefined) {
    const { path = "", verb: pathVerb = "" } = nonResourceAttributes ?? {};
    return answer(strictStatus(access.isGranted(subject, { verb: pathVerb, path })));
  }
  const { group = "", resource = "", subresource, verb = "", namespace, name } = resourceAttributes;
  if (group === OWN_GROUP) {
    const { namespace: of, name: called } = { namespace: namespace || undefined, name: name || undefined };
    return answer(strictStatus(access.isGranted(subject, { verb, group, resource, namespace: of, name: called })));
  }
  const info = {
    verb: verb as Verb,
    resource: anyResource(group, resource),
    subresource: subresource || undefined,
    namespace: namespace || undefined,
    name: name || undefined,
    rest: "",
    query: new URLSearchParams(),
  };
  return answer(reviewStatus(access, subject, info));
}

/** Its resources exist in rules alone, and a user without rules has none of them. */
const OWN_GROUP = "podrole.io";

function strictStatus(allowed: boolean): object {
  return allowed ? { allowed } : { allowed, reason: "" };
}

function reviewStatus(access: Access, subject: UserInfo, info: Parameters<Access["authorize"]>[1]): object {
  try {
    access.authorize(subject, info);
    return { allowed: true };
  } catch (error) {
    if (error instanceof StatusError) return { allowed: false, reason: "" };
    throw error;
  }
}
