// Checks that a value of unknown origin is a pod: every field that podrole reads or extends has the type that
// Kubernetes gives it. Fields that podrole does not read are not checked and stay as they are.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { isObject } from "../runtime/json-object.ts";
import { failure, type Result, success } from "../runtime/result.ts";

/** Returns the value as a Pod; the problem is its first mismatch. */
export function readPod(value: unknown): Result<Pod> {
  const problem = findShapeProblem(value);
  return problem === undefined ? success(value as Pod) : failure(problem);
}

/**
 * The first mismatch with a Pod, such as "spec.containers[0].env is a string; expected a list"; undefined for a Pod.
 */
export function findShapeProblem(value: unknown): string | undefined {
  if (!isObject(value)) return describeMismatch("it", value, "an object");
  const { metadata, spec } = value;
  if (!isObject(metadata)) return describeMismatch("metadata", metadata, "an object");
  if (!isObject(spec)) return describeMismatch("spec", spec, "an object");
  return (
    findFirstProblem(["name", "generateName", "namespace", "uid"], (key) =>
      findStringProblem(metadata[key], `metadata.${key}`),
    ) ??
    findFirstProblem(["labels", "annotations"], (key) => findStringsProblem(metadata[key], `metadata.${key}`)) ??
    findFirstProblem(["serviceAccountName", "restartPolicy"], (key) => findStringProblem(spec[key], `spec.${key}`)) ??
    findStringsProblem(spec["nodeSelector"], "spec.nodeSelector") ??
    findOptionalObjectProblem(spec["os"], "spec.os", ({ name }, path) => findStringProblem(name, `${path}.name`)) ??
    findOptionalListProblem(spec["volumes"], "spec.volumes", findNamedObjectProblem) ??
    findOptionalListProblem(spec["imagePullSecrets"], "spec.imagePullSecrets", findObjectProblem) ??
    findOptionalObjectProblem(spec["resources"], "spec.resources", () => undefined) ??
    findFirstProblem(["containers", "initContainers"], (key) =>
      findOptionalListProblem(spec[key], `spec.${key}`, findContainerShapeProblem),
    )
  );
}

/** The elements of a list that JSON or YAML may omit or set to null. */
export function listOf<T>(list: readonly T[] | null | undefined): readonly T[] {
  return list ?? [];
}

/** Init containers and containers, in the order in which they start. */
export function allContainers({ spec }: Pod): readonly Container[] {
  return [...listOf(spec.initContainers), ...listOf(spec.containers)];
}

function findContainerShapeProblem(container: unknown, path: string): string | undefined {
  const unnamed = findNamedObjectProblem(container, path);
  if (unnamed !== undefined || !isObject(container)) return unnamed;
  return (
    findStringProblem(container["restartPolicy"], `${path}.restartPolicy`) ??
    findOptionalListProblem(container["env"], `${path}.env`, findEnvProblem) ??
    findOptionalListProblem(container["envFrom"], `${path}.envFrom`, findObjectProblem) ??
    findOptionalListProblem(container["ports"], `${path}.ports`, findObjectProblem) ??
    findOptionalListProblem(container["volumeMounts"], `${path}.volumeMounts`, findMountProblem) ??
    findOptionalObjectProblem(container["resources"], `${path}.resources`, ({ requests, limits }, at) => {
      return findQuantitiesProblem(requests, `${at}.requests`) ?? findQuantitiesProblem(limits, `${at}.limits`);
    })
  );
}

function findEnvProblem(variable: unknown, path: string): string | undefined {
  return (
    findNamedObjectProblem(variable, path) ??
    (isObject(variable)
      ? (findStringProblem(variable["value"], `${path}.value`) ??
        findOptionalObjectProblem(variable["valueFrom"], `${path}.valueFrom`, () => undefined))
      : undefined)
  );
}

function findMountProblem(mount: unknown, path: string): string | undefined {
  return (
    findNamedObjectProblem(mount, path) ??
    (isObject(mount) && typeof mount["mountPath"] !== "string"
      ? describeMismatch(`${path}.mountPath`, mount["mountPath"], "a string")
      : undefined)
  );
}

function findNamedObjectProblem(value: unknown, path: string): string | undefined {
  if (!isObject(value)) return describeMismatch(path, value, "an object");
  return typeof value["name"] === "string" ? undefined : describeMismatch(`${path}.name`, value["name"], "a string");
}

function findObjectProblem(value: unknown, path: string): string | undefined {
  return isObject(value) ? undefined : describeMismatch(path, value, "an object");
}

function findStringProblem(value: unknown, path: string): string | undefined {
  return value === undefined || value === null || typeof value === "string"
    ? undefined
    : describeMismatch(path, value, "a string");
}

function findStringsProblem(value: unknown, path: string): string | undefined {
  return findOptionalObjectProblem(value, path, (map) => {
    const wrong = Object.keys(map).find((key) => typeof map[key] !== "string");
    return wrong === undefined ? undefined : describeMismatch(memberPath(path, wrong), map[wrong], "a string");
  });
}

/** Kubernetes writes quantities as strings; hand-written YAML contains numbers too. */
function findQuantitiesProblem(value: unknown, path: string): string | undefined {
  return findOptionalObjectProblem(value, path, (map) => {
    const wrong = Object.keys(map).find((key) => !["string", "number"].includes(typeof map[key]));
    return wrong === undefined ? undefined : describeMismatch(memberPath(path, wrong), map[wrong], "a quantity");
  });
}

function findOptionalObjectProblem(
  value: unknown,
  path: string,
  inside: (value: Record<string, unknown>, path: string) => string | undefined,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  return isObject(value) ? inside(value, path) : describeMismatch(path, value, "an object");
}

function findOptionalListProblem(
  value: unknown,
  path: string,
  inside: (element: unknown, path: string) => string | undefined,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return describeMismatch(path, value, "a list");
  for (const [index, element] of value.entries()) {
    const problem = inside(element, `${path}[${index}]`);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

function findFirstProblem(keys: readonly string[], check: (key: string) => string | undefined): string | undefined {
  for (const key of keys) {
    const problem = check(key);
    if (problem !== undefined) return problem;
  }
  return undefined;
}

/** The author chooses the key, so it is truncated and escaped. */
function memberPath(path: string, key: string): string {
  return `${path}[${JSON.stringify(key.slice(0, 80))}]`;
}

/** Names the value's type alone: the value itself may be a secret. */
function describeMismatch(path: string, value: unknown, expected: string): string {
  return `${path} is ${typeName(value)}; expected ${expected}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
