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
 * Nearly all values have none, so a check returns only what is wrong with its own value, and its caller puts the path
 * in front: building the paths of all values took longer than checking them.
 */
export function findShapeProblem(value: unknown): string | undefined {
  if (!isObject(value)) return `it${mismatch(value, "an object")}`;
  const { metadata, spec } = value;
  if (!isObject(metadata)) return `metadata${mismatch(metadata, "an object")}`;
  if (!isObject(spec)) return `spec${mismatch(spec, "an object")}`;
  return (below("metadata", findMetadataProblem(metadata)) ?? below("spec", findSpecProblem(spec)))?.slice(1);
}

/** The elements of a list that JSON or YAML may omit or set to null. */
export function listOf<T>(list: readonly T[] | null | undefined): readonly T[] {
  return list ?? [];
}

/** Init containers and containers, in the order in which they start. */
export function allContainers({ spec }: Pod): readonly Container[] {
  return [...listOf(spec.initContainers), ...listOf(spec.containers)];
}

/** What is wrong with a value, without its path: " is a string; expected a list", or ".env[0] is …". */
type Problem = string | undefined;

function findMetadataProblem(metadata: Record<string, unknown>): Problem {
  return (
    findMemberProblem(metadata, ["name", "generateName", "namespace", "uid"], findStringProblem) ??
    findMemberProblem(metadata, ["labels", "annotations"], findStringsProblem)
  );
}

function findSpecProblem(spec: Record<string, unknown>): Problem {
  return (
    findMemberProblem(spec, ["serviceAccountName", "restartPolicy"], findStringProblem) ??
    findMemberProblem(spec, ["nodeSelector"], findStringsProblem) ??
    findMemberProblem(spec, ["os"], (os) =>
      ifObject(os, (own) => findMemberProblem(own, ["name"], findStringProblem)),
    ) ??
    findMemberProblem(spec, ["volumes"], (volumes) => ifList(volumes, findNamedObjectProblem)) ??
    findMemberProblem(spec, ["imagePullSecrets"], (secrets) => ifList(secrets, findObjectProblem)) ??
    findMemberProblem(spec, ["resources"], findOptionalObjectProblem) ??
    findMemberProblem(spec, ["containers", "initContainers"], (list) => ifList(list, findContainerShapeProblem))
  );
}

function findContainerShapeProblem(container: unknown): Problem {
  const unnamed = findNamedObjectProblem(container);
  if (unnamed !== undefined || !isObject(container)) return unnamed;
  return (
    below("restartPolicy", findStringProblem(container["restartPolicy"])) ??
    below("env", ifList(container["env"], findEnvProblem)) ??
    below("envFrom", ifList(container["envFrom"], findObjectProblem)) ??
    below("ports", ifList(container["ports"], findObjectProblem)) ??
    below("volumeMounts", ifList(container["volumeMounts"], findMountProblem)) ??
    below("resources", ifObject(container["resources"], findResourcesProblem))
  );
}

function findResourcesProblem({ requests, limits }: Record<string, unknown>): Problem {
  return below("requests", findQuantitiesProblem(requests)) ?? below("limits", findQuantitiesProblem(limits));
}

function findEnvProblem(variable: unknown): Problem {
  const unnamed = findNamedObjectProblem(variable);
  if (unnamed !== undefined || !isObject(variable)) return unnamed;
  return (
    below("value", findStringProblem(variable["value"])) ??
    below("valueFrom", findOptionalObjectProblem(variable["valueFrom"]))
  );
}

function findMountProblem(mount: unknown): Problem {
  const unnamed = findNamedObjectProblem(mount);
  if (unnamed !== undefined || !isObject(mount)) return unnamed;
  const { mountPath } = mount;
  return typeof mountPath === "string" ? undefined : below("mountPath", mismatch(mountPath, "a string"));
}

function findNamedObjectProblem(value: unknown): Problem {
  if (!isObject(value)) return mismatch(value, "an object");
  return typeof value["name"] === "string" ? undefined : below("name", mismatch(value["name"], "a string"));
}

function findObjectProblem(value: unknown): Problem {
  return isObject(value) ? undefined : mismatch(value, "an object");
}

function findOptionalObjectProblem(value: unknown): Problem {
  return value === undefined || value === null ? undefined : findObjectProblem(value);
}

function findStringProblem(value: unknown): Problem {
  return value === undefined || value === null || typeof value === "string" ? undefined : mismatch(value, "a string");
}

function findStringsProblem(value: unknown): Problem {
  return ifObject(value, (map) => {
    const wrong = Object.keys(map).find((key) => typeof map[key] !== "string");
    return wrong === undefined ? undefined : memberPath(wrong) + mismatch(map[wrong], "a string");
  });
}

/** Kubernetes writes quantities as strings; hand-written YAML contains numbers too. */
function findQuantitiesProblem(value: unknown): Problem {
  return ifObject(value, (map) => {
    const wrong = Object.keys(map).find((key) => typeof map[key] !== "string" && typeof map[key] !== "number");
    return wrong === undefined ? undefined : memberPath(wrong) + mismatch(map[wrong], "a quantity");
  });
}

/** Checks what is inside an object that may be absent. */
function ifObject(value: unknown, inside: (value: Record<string, unknown>) => Problem): Problem {
  if (value === undefined || value === null) return undefined;
  return isObject(value) ? inside(value) : mismatch(value, "an object");
}

/** Checks each element of a list that may be absent. */
function ifList(value: unknown, inside: (element: unknown) => Problem): Problem {
  if (value === undefined || value === null) return undefined;
  if (!Array.isArray(value)) return mismatch(value, "a list");
  for (let index = 0; index < value.length; index++) {
    const problem = inside(value[index]);
    if (problem !== undefined) return `[${index}]${problem}`;
  }
  return undefined;
}

/** Checks the members of these names, in this order. */
function findMemberProblem(
  object: Record<string, unknown>,
  keys: readonly string[],
  check: (value: unknown) => Problem,
): Problem {
  for (const key of keys) {
    const problem = check(object[key]);
    if (problem !== undefined) return `.${key}${problem}`;
  }
  return undefined;
}

/** Puts the member's name in front of what is wrong with it. */
function below(key: string, problem: Problem): Problem {
  return problem === undefined ? undefined : `.${key}${problem}`;
}

/** The author chooses the key, so it is truncated and escaped. */
function memberPath(key: string): string {
  return `[${JSON.stringify(key.slice(0, 80))}]`;
}

/** Names the value's type alone: the value itself may be a secret. */
function mismatch(value: unknown, expected: string): string {
  return ` is ${typeName(value)}; expected ${expected}`;
}

function typeName(value: unknown): string {
  if (value === undefined) return "missing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  return typeof value === "object" ? "an object" : `a ${typeof value}`;
}
