// Checks that a value of unknown origin is a pod: every field that podrole reads or extends has the type that Kubernetes
// gives it. Fields that podrole does not read are not checked and stay as they are.
import type { Container, Pod } from "../kubernetes/objects.ts";
import { isObject } from "../runtime/json-object.ts";
import { failure, type Result, success } from "../runtime/result.ts";

/** Returns the value as a Pod; the problem is its first mismatch. */
export function readPod(value: unknown): Result<Pod> {
  const problem = findShapeProblem(value);
  return problem === undefined ? success(value as Pod) : failure(problem);
}

/** The first mismatch with a Pod, such as "spec.containers[0].env is a string; expected a list"; undefined for a Pod. */
export function findShapeProblem(value: unknown): string | undefined {
  if (!isObject(value)) return mismatch("it", value, "an object");
  const { metadata, spec } = value;
  if (!isObject(metadata)) return mismatch("metadata", metadata, "an object");
  if (!isObject(spec)) return mismatch("spec", spec, "an object");
  return (
    findFirstProblem(["name", "generateName", "namespace", "uid"], (key) =>
      optionalString(metadata[key], `metadata.${key}`),
    ) ??
    findFirstProblem(["labels", "annotations"], (key) => optionalStrings(metadata[key], `metadata.${key}`)) ??
    findFirstProblem(["serviceAccountName", "restartPolicy"], (key) => optionalString(spec[key], `spec.${key}`)) ??
    optionalStrings(spec["nodeSelector"], "spec.nodeSelector") ??
    optionalObject(spec["os"], "spec.os", ({ name }, path) => optionalString(name, `${path}.name`)) ??
    optionalList(spec["volumes"], "spec.volumes", namedObject) ??
    optionalObject(spec["resources"], "spec.resources", () => undefined) ??
    findFirstProblem(["containers", "initContainers"], (key) =>
      optionalList(spec[key], `spec.${key}`, findContainerShapeProblem),
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
  const unnamed = namedObject(container, path);
  if (unnamed !== undefined || !isObject(container)) return unnamed;
  return (
    optionalString(container["restartPolicy"], `${path}.restartPolicy`) ??
    optionalList(container["env"], `${path}.env`, findEnvProblem) ??
    optionalList(container["envFrom"], `${path}.envFrom`, anyObject) ??
    optionalList(container["ports"], `${path}.ports`, anyObject) ??
    optionalList(container["volumeMounts"], `${path}.volumeMounts`, findMountProblem) ??
    optionalObject(container["resources"], `${path}.resources`, ({ requests, limits }, at) => {
      return optionalQuantities(requests, `${at}.requests`) ?? optionalQuantities(limits, `${at}.limits`);
    })
  );
}

function findEnvProblem(variable: unknown, path: string): string | undefined {
  return (
    namedObject(variable, path) ??
    (isObject(variable)
      ? (optionalString(variable["value"], `${path}.value`) ??
        optionalObject(variable["valueFrom"], `${path}.valueFrom`, () => undefined))
      : undefined)
  );
}

function findMountProblem(mount: unknown, path: string): string | undefined {
  return (
    namedObject(mount, path) ??
    (isObject(mount) && typeof mount["mountPath"] !== "string"
      ? mismatch(`${path}.mountPath`, mount["mountPath"], "a string")
      : undefined)
  );
}

function namedObject(value: unknown, path: string): string | undefined {
  if (!isObject(value)) return mismatch(path, value, "an object");
  return typeof value["name"] === "string" ? undefined : mismatch(`${path}.name`, value["name"], "a string");
}

function anyObject(value: unknown, path: string): string | undefined {
  return isObject(value) ? undefined : mismatch(path, value, "an object");
}

function optionalString(value: unknown, path: string): string | undefined {
  return value === undefined || value === null || typeof value === "string"
    ? undefined
    : mismatch(path, value, "a string");
}

function optionalStrings(value: unknown, path: string): string | undefined {
  return optionalObject(value, path, (map) => {
    const wrong = Object.keys(map).find((key) => typeof map[key] !== "string");
    return wrong === undefined ? undefined : mismatch(member(path, wrong), map[wrong], "a string");
  });
}

/** Kubernetes writes quantities as strings; hand-written YAML contains numbers too. */
function optionalQuantities(value: unknown, path: string): string | undefined {
  return optionalObject(value, path, (map) => {
    const wrong = Object.keys(map).find((key) => !["string", "number"].includes(typeof map[key]));
    return wrong === undefined ? undefined : mismatch(member(path, wrong), map[wrong], "a quantity");
  });
}

function optionalObject(
  value: unknown,
  path: string,
  inside: (value: Record<string, unknown>, path: string) => string | undefined,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  return isObject(value) ? inside(value, path) : mismatch(path, value, "an object");
}

function optionalList(
  value: unknown,
  path: string,
  inside: (element: unknown, path: string) => string | undefined,
): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return mismatch(path, value, "a list");
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
function member(path: string, key: string): string {
  return `${path}[${JSON.stringify(key.slice(0, 80))}]`;
}

/** Names the value's type alone: the value itself may be a secret. */
function mismatch(path: string, value: unknown, expected: string): string {
  return `${path} is ${typeName(value)}; expected ${expected}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
