// Which namespace podrole runs in: named by the caller, or found by the labels of its Deployments.

import { ApiError } from "../kubernetes/errors.ts";
import type { ObjectMeta } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { OWN_OBJECTS } from "../policy/annotations.ts";
import { failure, type Result, success } from "../runtime/result.ts";

const USUAL_NAMESPACE = "podrole";

/**
 * The namespace, or the problem why it is not known. Callers who may not list Deployments of all namespaces get
 * "podrole", as does a cluster without podrole. Throws ApiError when the API server does not answer.
 */
export async function findPodroleNamespace(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  named: string | undefined,
): Promise<Result<string>> {
  if (named !== undefined) return success(named);
  const found = await namespacesOfDeployments(kubernetes);
  const [namespace = USUAL_NAMESPACE, ...others] = found;
  if (others.length === 0) return success(namespace);
  return failure(
    `--podrole-namespace: podrole's Deployments are in ${found.join(", ")}; expected one of these namespaces`,
  );
}

async function namespacesOfDeployments(kubernetes: Pick<OperatorKubernetes, "listAll">): Promise<readonly string[]> {
  try {
    const deployments = await kubernetes.listAll<{ readonly metadata: ObjectMeta }>("deployments", {
      labelSelector: OWN_OBJECTS,
    });
    return [...new Set(deployments.flatMap(({ metadata }) => metadata.namespace ?? []))].toSorted();
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}

/** The problem when `-n` names podrole's own namespace, where no pod is ever injected; undefined otherwise. */
export function findOwnNamespaceProblem(namespace: string | undefined, own: string): string | undefined {
  if (namespace !== own) return undefined;
  return `--namespace: "${own}" is podrole's own namespace, and its pods are never injected; expected the namespace of the pods (--podrole-namespace names podrole's own)`;
}
