// Reviews permissions of the caller and of podrole's programs, as the API server's authorizers decide them.
import type { OperatorKubernetes } from "../../../kubernetes/operator.ts";
import type { Installed } from "../../installed.ts";
import { readEach, readKnown } from "../../known.ts";
import type { JudgedRight } from "../facts.ts";
import { type AccessRight, DEFAULT_NAMES, forbiddenRights, neededRights } from "../rights.ts";

/** The permissions that the installed programs need, and those that they must not have. */
export function rightsOf({ server }: Installed, namespace: string): readonly AccessRight[] {
  const {
    caCert,
    caSecret,
    trustConfigMap,
    refusalsConfigMap,
    webhookConfiguration = DEFAULT_NAMES.webhookConfiguration,
    podCertificates = "off",
  } = server?.settings ?? {};
  const names = {
    namespace,
    caSecret: caCert === undefined ? (caSecret?.name ?? DEFAULT_NAMES.caSecret) : undefined,
    trustConfigMap: trustConfigMap?.name ?? DEFAULT_NAMES.trustConfigMap,
    refusalsConfigMap: refusalsConfigMap?.name ?? DEFAULT_NAMES.refusalsConfigMap,
    webhookConfiguration,
    podCertificates,
  };
  return [...neededRights(names), ...forbiddenRights(names)];
}

interface AccessReview {
  readonly status?: { readonly allowed?: boolean };
}

/** `userOf` returns whose permission it is; undefined for the caller's. */
export async function reviewRights(
  kubernetes: OperatorKubernetes,
  rights: readonly AccessRight[],
  userOf: (right: AccessRight) => string | undefined,
): Promise<readonly JudgedRight[]> {
  return readEach(rights, async (right) => {
    const user = userOf(right);
    const { group, verb, namespace, name } = right;
    const [resource, subresource] = right.resource.split("/");
    const attributes = { group, resource, verb, ...(subresource && { subresource }), ...(namespace && { namespace }) };
    const resourceAttributes = { ...attributes, ...(name !== undefined && { name }) };
    const spec = { resourceAttributes, ...(user !== undefined && { user, groups: serviceAccountGroups(user) }) };
    const kind = user === undefined ? "SelfSubjectAccessReview" : "SubjectAccessReview";
    const resourceName = user === undefined ? "selfsubjectaccessreviews" : "subjectaccessreviews";
    const body = { apiVersion: "authorization.k8s.io/v1", kind, metadata: {}, spec };
    const allowed = await readKnown(
      async () => (await kubernetes.createObject<AccessReview>(resourceName, body)).status?.allowed === true,
    );
    return { right, allowed };
  });
}

/** The groups of a ServiceAccount, which RBAC may bind to as well. */
function serviceAccountGroups(user: string): readonly string[] {
  const [, , namespace = ""] = user.split(":");
  return ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, "system:authenticated"];
}
