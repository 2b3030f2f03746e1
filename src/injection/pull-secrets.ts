// Pull secrets for the sidecar's image. Kubernetes has them for the whole pod, so they are added to the pod's own.
// (https://kubernetes.io/docs/tasks/configure-pod-container/pull-image-private-registry/)
import type { Pod } from "../kubernetes/objects.ts";
import { isObject } from "../runtime/json-object.ts";

type PullSecretsField = { readonly imagePullSecrets?: readonly unknown[] };

/** Returns the field with the names that it lacks at its end; nothing if it lacks none. */
export function withPullSecrets({ spec }: Pod, names: readonly string[]): PullSecretsField {
  const present = pullSecretsOf(spec["imagePullSecrets"]);
  const missing = names.filter((name) => present.every((secret) => nameOf(secret) !== name));
  return missing.length === 0 ? {} : { imagePullSecrets: [...present, ...missing.map((name) => ({ name }))] };
}

/**
 * Returns the pull secrets without those of these names that are at the end of the list, where injection adds them;
 * undefined if none is left.
 */
export function withoutPullSecrets({ spec }: Pod, names: readonly string[]): readonly unknown[] | undefined {
  const present = [...pullSecretsOf(spec["imagePullSecrets"])];
  while (present.length > 0 && names.includes(nameOf(present.at(-1)) ?? "")) present.pop();
  return present.length === 0 ? undefined : present;
}

function pullSecretsOf(field: unknown): readonly unknown[] {
  return Array.isArray(field) ? field : [];
}

function nameOf(secret: unknown): string | undefined {
  return isObject(secret) && typeof secret["name"] === "string" ? secret["name"] : undefined;
}
