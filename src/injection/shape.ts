// The first look at a pod that anybody may have written: everything that podrole reads or extends has the type that
// Kubernetes gives it. What podrole does not read is not looked at and stays as it is.
import type { Container, Pod } from "../kubernetes/objects.ts";

/** What is wrong with the value as a pod, such as "spec.containers[0].env is not a list"; undefined: it is a Pod. */
export function findShapeProblem(value: unknown): string | undefined {
  if (!isObject(value)) return "it is not an object";
  const { metadata, spec } = value;
  if (!isObject(metadata)) return "metadata is not an object";
  if (!isObject(spec)) return "spec is not an object";
  return (
    firstProblem(["name", "generateName", "namespace", "uid"], (key) =>
      optionalText(metadata[key], `metadata.${key}`),
    ) ??
    firstProblem(["labels", "annotations"], (key) => optionalTexts(metadata[key], `metadata.${key}`)) ??
    firstProblem(["serviceAccountName", "restartPolicy"], (key) => optionalText(spec[key], `spec.${key}`)) ??
    optionalTexts(spec["nodeSelector"], "spec.nodeSelector") ??
    optionalObject(spec["os"], "spec.os", ({ name }, path) => optionalText(name, `${path}.name`)) ??
    optionalList(spec["volumes"], "spec.volumes", namedObject) ??
    optionalObject(spec["resources"], "spec.resources", () => undefined) ??
    firstProblem(["containers", "initContainers"], (key) => optionalList(spec[key], `spec.${key}`, containerProblem))
  );
}

/** The elements of a list that JSON or YAML may leave out or write as null. */
export function listOf<T>(list: readonly T[] | null | undefined): readonly T[] {
  return list ?? [];
}

/** Init containers and containers, in the order in which they start. */
export function allContainers({ spec }: Pod): readonly Container[] {
  return [...listOf(spec.initContainers), ...listOf(spec.containers)];
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function containerProblem(container: unknown, path: string): string | undefined {
  const unnamed = namedObject(container, path);
  if (unnamed !== undefined || !isObject(container)) return unnamed;
  return (
    optionalText(container["restartPolicy"], `${path}.restartPolicy`) ??
    optionalList(container["env"], `${path}.env`, envProblem) ??
    optionalList(container["envFrom"], `${path}.envFrom`, anyObject) ??
    optionalList(container["ports"], `${path}.ports`, anyObject) ??
    optionalList(container["volumeMounts"], `${path}.volumeMounts`, mountProblem) ??
    optionalObject(container["resources"], `${path}.resources`, ({ requests, limits }, at) => {
      return optionalQuantities(requests, `${at}.requests`) ?? optionalQuantities(limits, `${at}.limits`);
    })
  );
}

function envProblem(variable: unknown, path: string): string | undefined {
  return (
    namedObject(variable, path) ??
    (isObject(variable)
      ? (optionalText(variable["value"], `${path}.value`) ??
        optionalObject(variable["valueFrom"], `${path}.valueFrom`, () => undefined))
      : undefined)
  );
}

function mountProblem(mount: unknown, path: string): string | undefined {
  return (
    namedObject(mount, path) ??
    (isObject(mount) && typeof mount["mountPath"] !== "string" ? `${path}.mountPath is not a text` : undefined)
  );
}

function namedObject(value: unknown, path: string): string | undefined {
  if (!isObject(value)) return `${path} is not an object`;
  return typeof value["name"] === "string" ? undefined : `${path}.name is not a text`;
}

function anyObject(value: unknown, path: string): string | undefined {
  return isObject(value) ? undefined : `${path} is not an object`;
}

function optionalText(value: unknown, path: string): string | undefined {
  return value === undefined || value === null || typeof value === "string" ? undefined : `${path} is not a text`;
}

function optionalTexts(value: unknown, path: string): string | undefined {
  return optionalObject(value, path, (map) => {
    const wrong = Object.keys(map).find((key) => typeof map[key] !== "string");
    return wrong === undefined ? undefined : `${path}[${JSON.stringify(wrong.slice(0, 80))}] is not a text`;
  });
}

/** Kubernetes writes quantities as texts; YAML that people write has numbers too. */
function optionalQuantities(value: unknown, path: string): string | undefined {
  return optionalObject(value, path, (map) => {
    const wrong = Object.keys(map).find((key) => !["string", "number"].includes(typeof map[key]));
    return wrong === undefined ? undefined : `${path}[${JSON.stringify(wrong.slice(0, 80))}] is not a quantity`;
  });
}

function optionalObject(
  value: unknown,
  path: string,
  inside: (value: Record<string, unknown>, path: string) => string | undefined,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  return isObject(value) ? inside(value, path) : `${path} is not an object`;
}

function optionalList(
  value: unknown,
  path: string,
  inside: (element: unknown, path: string) => string | undefined,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return `${path} is not a list`;
  for (const [index, element] of value.entries()) {
    const problem = inside(element, `${path}[${index}]`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function firstProblem(keys: readonly string[], check: (key: string) => string | undefined): string | undefined {
  for (const key of keys) {
    const problem = check(key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}
