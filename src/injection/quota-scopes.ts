// Which pods a ResourceQuota counts: those that match every one of its scopes. A pod that a quota does not count is
// neither limited by it nor needs the requests and limits that it demands.
// (https://kubernetes.io/docs/concepts/policy/resource-quotas/#quota-scopes; podMatchesScopeFunc in
// https://github.com/kubernetes/kubernetes/blob/v1.34.0/pkg/quota/v1/evaluator/core/pods.go)
import type { Pod } from "../kubernetes/objects.ts";
import { isObject, objectsAt, stringsAt } from "../runtime/json-object.ts";

/** One condition of a ResourceQuota on the pods that it counts. */
export interface QuotaScope {
  /** "Terminating", "BestEffort", "PriorityClass" and others. */
  readonly name: string;
  readonly operator: (typeof SCOPE_OPERATORS)[number];
  readonly values: readonly string[];
}

const SCOPE_OPERATORS = ["Exists", "DoesNotExist", "In", "NotIn"] as const;

/** Returns the conditions of a ResourceQuota's spec, from both of the fields that have them. */
export function scopesOf(spec: unknown): readonly QuotaScope[] {
  const selector = isObject(spec) ? spec["scopeSelector"] : undefined;
  return [
    ...stringsAt(spec, "scopes").map((name): QuotaScope => ({ name, operator: "Exists", values: [] })),
    ...objectsAt(selector, "matchExpressions").map((expression): QuotaScope => {
      const operator = SCOPE_OPERATORS.find((known) => known === expression["operator"]) ?? "Exists";
      return { name: String(expression["scopeName"]), operator, values: stringsAt(expression, "values") };
    }),
  ];
}

/** True if a quota with these scopes counts the pod. `isBestEffort`: the class of the pod with podrole's containers. */
export function matchesScopes(
  pod: Pod,
  scopes: readonly QuotaScope[],
  { isBestEffort }: { readonly isBestEffort: boolean },
): boolean {
  return scopes.every((scope) => {
    const matches = POD_SCOPES[scope.name];
    return matches !== undefined && matches(pod, scope, isBestEffort);
  });
}

/** A scope that is missing here is about other objects than pods. */
const POD_SCOPES: Readonly<Record<string, (pod: Pod, scope: QuotaScope, isBestEffort: boolean) => boolean>> = {
  Terminating: (pod) => isTerminating(pod),
  NotTerminating: (pod) => !isTerminating(pod),
  BestEffort: (_pod, _scope, isBestEffort) => isBestEffort,
  NotBestEffort: (_pod, _scope, isBestEffort) => !isBestEffort,
  PriorityClass: ({ spec }, { operator, values }) => matchesClass(spec["priorityClassName"], operator, values),
  CrossNamespacePodAffinity: (pod) => hasCrossNamespaceAffinity(pod),
};

function isTerminating({ spec }: Pod): boolean {
  const seconds = spec["activeDeadlineSeconds"];
  return typeof seconds === "number" && seconds >= 0;
}

function matchesClass(name: unknown, operator: QuotaScope["operator"], values: readonly string[]): boolean {
  const own = typeof name === "string" && name !== "" ? name : undefined;
  if (operator === "Exists") return own !== undefined;
  if (operator === "DoesNotExist") return own === undefined;
  const isListed = own !== undefined && values.includes(own);
  return operator === "In" ? isListed : !isListed;
}

/** True if a term of podAffinity or podAntiAffinity lists namespaces or selects them. */
function hasCrossNamespaceAffinity({ spec }: Pod): boolean {
  const affinity = isObject(spec["affinity"]) ? spec["affinity"] : {};
  return [affinity["podAffinity"], affinity["podAntiAffinity"]].some((rules) => {
    const required = objectsAt(rules, "requiredDuringSchedulingIgnoredDuringExecution");
    const weighted = objectsAt(rules, "preferredDuringSchedulingIgnoredDuringExecution");
    return [...required, ...weighted.map((each) => each["podAffinityTerm"]).filter(isObject)].some(
      (term) => stringsAt(term, "namespaces").length > 0 || term["namespaceSelector"] != null,
    );
  });
}
