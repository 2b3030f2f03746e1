// Whether a pod can run on Windows nodes alone, by every way in which its author can say so to the scheduler or the
// kubelet. The safety net (manifests/base/admission-policy.yaml) repeats these rules.
import type { Pod } from "../kubernetes/objects.ts";
import { isObject } from "../runtime/json-object.ts";
import { allContainers } from "./shape.ts";

const OS_LABELS: readonly string[] = ["kubernetes.io/os", "beta.kubernetes.io/os"];
/** Only Windows nodes have it. */
const BUILD_LABEL = "node.kubernetes.io/windows-build";
const WINDOWS = "windows";

/**
 * Returns true for a pod of Windows. `spec.os` decides, or else a node selector, or else a required node affinity, or
 * else options that only Windows has.
 * (https://kubernetes.io/docs/concepts/windows/user-guide/#ensuring-os-specific-workloads-land-on-the-appropriate-container-host)
 */
export function runsOnWindows(pod: Pod): boolean {
  const { os, nodeSelector } = pod.spec;
  const named = os?.name ?? OS_LABELS.map((label) => nodeSelector?.[label]).find((value) => value !== undefined);
  if (named !== undefined) return named === WINDOWS;
  return nodeSelector?.[BUILD_LABEL] !== undefined || requiresWindowsNode(pod) || hasWindowsOptions(pod);
}

/** A pod fits a node if one of the terms matches, and a term matches if all of its expressions do. */
function requiresWindowsNode({ spec }: Pod): boolean {
  const affinity = memberOf(memberOf(spec["affinity"], "nodeAffinity"), REQUIRED_AFFINITY);
  const terms = memberOf(affinity, "nodeSelectorTerms");
  return Array.isArray(terms) && terms.length > 0 && terms.every(selectsWindows);
}

const REQUIRED_AFFINITY = "requiredDuringSchedulingIgnoredDuringExecution";

function selectsWindows(term: unknown): boolean {
  const expressions = memberOf(term, "matchExpressions");
  return Array.isArray(expressions) && expressions.some(isWindowsExpression);
}

function isWindowsExpression(expression: unknown): boolean {
  if (!isObject(expression)) return false;
  const { key, operator, values } = expression;
  const isOs = typeof key === "string" && OS_LABELS.includes(key);
  const isOnlyWindows = Array.isArray(values) && values.length > 0 && values.every((value) => value === WINDOWS);
  return isOs && operator === "In" && isOnlyWindows;
}

function hasWindowsOptions(pod: Pod): boolean {
  return [pod.spec, ...allContainers(pod)].some(({ securityContext }) => {
    const options = memberOf(securityContext, "windowsOptions");
    return isObject(options) && Object.keys(options).length > 0;
  });
}

function memberOf(value: unknown, key: string): unknown {
  return isObject(value) ? value[key] : undefined;
}
