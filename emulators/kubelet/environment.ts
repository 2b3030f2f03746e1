// The environment of a container as its pod spec declares it: values, $(VAR) references, fields of the pod. Pure.
// Sources that only a real kubelet can read (ConfigMaps, Secrets, resource limits) yield a problem, never
// an empty value.
// (https://kubernetes.io/docs/concepts/workloads/pods/downward-api/)
// (https://kubernetes.io/docs/tasks/inject-data-application/define-interdependent-environment-variables/)
import type { Container, EnvVar, Pod } from "../../src/kubernetes/objects.ts";

/** A pod with the facts that only its node knows. */
export interface PlacedPod {
  readonly pod: Pod;
  readonly nodeName: string;
  readonly podIP: string;
}

/** Why a container cannot be created; the node shows it as CreateContainerConfigError. */
export interface ConfigProblem {
  readonly problem: string;
}

/** Reports whether a value is a problem rather than a result. */
export function isProblem(value: object): value is ConfigProblem {
  return "problem" in value;
}

/** Returns the variables in the order of the spec; a later one of the same name replaces an earlier one. */
export function containerVariables(
  container: Container,
  placed: PlacedPod,
): ReadonlyMap<string, string> | ConfigProblem {
  const values = new Map<string, string>();
  if (Array.isArray(container["envFrom"]) && container["envFrom"].some((source) => !isOptional(source))) {
    return { problem: `envFrom of container "${container.name}" cannot be read: this emulated node supports only env` };
  }
  for (const variable of container.env ?? []) {
    // A reference resolves to variables that precede it in the list, as with the kubelet.
    const value = resolveVariable(variable, placed, (name) => values.get(name));
    if (typeof value === "object") return value;
    if (value !== undefined) values.set(variable.name, value);
  }
  return values;
}

function resolveVariable(
  { name, value, valueFrom }: EnvVar,
  placed: PlacedPod,
  lookup: (name: string) => string | undefined,
): string | undefined | ConfigProblem {
  if (valueFrom === undefined) return expandVariables(value ?? "", lookup);
  const { fieldRef } = valueFrom as { fieldRef?: { fieldPath?: string } };
  if (fieldRef?.fieldPath !== undefined) return fieldOf(fieldRef.fieldPath, placed);
  const [kind = "valueFrom"] = Object.keys(valueFrom);
  if (isOptional(valueFrom)) return undefined;
  return { problem: `variable ${name} cannot be read: this emulated node does not support ${kind}` };
}

/** Returns a field of the pod by its downward API path. */
export function fieldOf(fieldPath: string, { pod, nodeName, podIP }: PlacedPod): string | ConfigProblem {
  const { metadata, spec } = pod;
  const [, field, key = ""] = /^metadata\.(annotations|labels)\['(.+)'\]$/.exec(fieldPath) ?? [];
  if (field === "annotations" || field === "labels") return metadata[field]?.[key] ?? "";
  switch (fieldPath) {
    case "metadata.name":
      return metadata.name ?? "";
    case "metadata.namespace":
      return metadata.namespace ?? "";
    case "metadata.uid":
      return metadata.uid ?? "";
    case "spec.nodeName":
      return nodeName;
    case "spec.serviceAccountName":
      return spec.serviceAccountName ?? "default";
    case "status.podIP":
    case "status.podIPs":
    case "status.hostIP":
    case "status.hostIPs":
      return podIP;
    default:
      return { problem: `field ${fieldPath} is not available through the downward API` };
  }
}

/** Reports whether a source is optional, such as `{ configMapRef: { optional: true } }`. */
function isOptional(source: unknown): boolean {
  return Object.values(source as Record<string, unknown>).some(
    (reference) => (reference as { optional?: boolean } | null)?.optional === true,
  );
}

/** Replaces `$(NAME)` by its value; an unknown name stays as it is written, and `$$(NAME)` gives `$(NAME)`. */
export function expandVariables(text: string, lookup: (name: string) => string | undefined): string {
  return text.replaceAll(/\$(?:\$|\(([^)]*)\))/g, (whole, name: string | undefined) =>
    name === undefined ? "$" : (lookup(name) ?? whole),
  );
}
