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
  const { user, resourceAttributes } = (request["spec"] ?? {}) as ReviewSpec;
  if (resourceAttributes === undefined)
    throw badRequest("resourceAttributes must be specified: the emulator supports no other attributes");
  const { group = "", resource = "", subresource, verb = "", namespace, name } = resourceAttributes;
  const info = {
    verb: verb as Verb,
    resource: anyResource(group, resource),
    subresource: subresource || undefined,
    namespace: namespace || undefined,
    name: name || undefined,
    rest: "",
    query: new URLSearchParams(),
  };
  const subject = user === undefined ? caller : { username: user, groups: userGroups(user) };
  const kind = user === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
  return {
    ...request,
    apiVersion: "authorization.k8s.io/v1",
    kind,
    metadata: {},
    status: reviewStatus(access, subject, info),
  };
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
