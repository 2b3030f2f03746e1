// Which namespace podrole runs in: named by the caller, or that of the Service in podrole's
// MutatingWebhookConfiguration, which no tenant of the cluster can create or change. Labels of Deployments are the
// fallback: whoever may create Deployments in some namespace can set them.

import { ApiError } from "../kubernetes/errors.ts";
import type { ObjectMeta } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { OWN_OBJECTS } from "../policy/annotations.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import type { WebhookConfigurationObject } from "./check/facts.ts";
import { podroleConfigurations } from "./check/own-webhooks.ts";

/** Of the manifests. */
export const USUAL_NAMESPACE = "podrole";

type ObjectLister = Pick<OperatorKubernetes, "listAll">;

/** podrole's own namespace. */
export interface PodroleNamespace {
  readonly name: string;
  /** What the operator has to verify, as a sentence; undefined if nothing. */
  readonly note?: string;
}

/**
 * The namespace, or the problem why it is not known. "podrole" if the caller may list neither webhook configurations
 * nor Deployments of all namespaces, and in a cluster without podrole. Throws ApiError when the API server does not
 * answer.
 */
export async function findPodroleNamespace(
  kubernetes: ObjectLister,
  named: string | undefined,
): Promise<Result<PodroleNamespace>> {
  if (named !== undefined) return success({ name: named });
  const registered = await namespacesOfWebhooks(kubernetes);
  if (registered.length > 1) return ambiguous("webhooks are in", registered);
  const [registeredName] = registered;
  if (registeredName !== undefined) return success({ name: registeredName });
  const labelled = await namespacesOfDeployments(kubernetes);
  if (labelled.length > 1) return ambiguous("Deployments are in", labelled);
  const [name = USUAL_NAMESPACE] = labelled;
  if (name === USUAL_NAMESPACE) return success({ name });
  const note = `podrole's namespace is assumed to be "${name}", by the labels of a Deployment, which anyone who may create Deployments there can set: no webhook configuration that can be read names it`;
  return success({ name, note });
}

function ambiguous(found: string, namespaces: readonly string[]): Result<never> {
  return failure(`--podrole-namespace: podrole's ${found} ${namespaces.join(", ")}; expected one of these namespaces`);
}

async function namespacesOfWebhooks(kubernetes: ObjectLister): Promise<readonly string[]> {
  const configurations = await ifPermitted(
    kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations"),
  );
  const webhooks = podroleConfigurations(configurations).flatMap((configuration) => configuration.webhooks ?? []);
  return sortedUnique(webhooks.flatMap(({ clientConfig }) => clientConfig.service?.namespace ?? []));
}

async function namespacesOfDeployments(kubernetes: ObjectLister): Promise<readonly string[]> {
  const deployments = await ifPermitted(
    kubernetes.listAll<{ readonly metadata: ObjectMeta }>("deployments", { labelSelector: OWN_OBJECTS }),
  );
  return sortedUnique(deployments.flatMap(({ metadata }) => metadata.namespace ?? []));
}

async function ifPermitted<Item>(items: Promise<readonly Item[]>): Promise<readonly Item[]> {
  try {
    return await items;
  } catch (error) {
    if (error instanceof ApiError && error.status === 403) return [];
    throw error;
  }
}

function sortedUnique(names: readonly string[]): readonly string[] {
  return [...new Set(names)].toSorted();
}

/** The problem when `-n` names podrole's own namespace, where no pod is ever injected; undefined otherwise. */
export function findOwnNamespaceProblem(namespace: string | undefined, own: string): string | undefined {
  if (namespace !== own) return undefined;
  return `--namespace: "${own}" is podrole's own namespace, and its pods are never injected; expected the namespace of the pods (--podrole-namespace names podrole's own)`;
}
