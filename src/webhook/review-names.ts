// The names in an AdmissionReview, checked before anything uses them: they become paths on the API server, metric and
// audit fields, and environment variables of the sidecar. Admission runs before the API server's own validation, and
// callers that are not the API server may send anything.
// (https://kubernetes.io/docs/concepts/overview/working-with-objects/names/)

import { quoted } from "../policy/annotations.ts";
import { isDnsLabel, isDnsSubdomain } from "../runtime/dns-names.ts";
import { isObject } from "../runtime/json-object.ts";

/**
 * Returns the first name that cannot be one or that two containers have, such as `request.namespace is ".."; expected
 * …`; undefined if none.
 */
export function findNameProblem(namespace: string, object: unknown): string | undefined {
  const { metadata, spec } = isObject(object) ? object : {};
  const { name, generateName, namespace: own } = isObject(metadata) ? metadata : {};
  const { serviceAccountName, serviceAccount, containers, initContainers } = isObject(spec) ? spec : {};
  return (
    findRuleProblem("request.namespace", namespace, DNS_LABEL_RULE) ??
    findRuleProblem("metadata.namespace", own, DNS_LABEL_RULE) ??
    findRuleProblem("metadata.name", name, DNS_SUBDOMAIN_RULE) ??
    findRuleProblem("metadata.generateName", generateName, GENERATE_NAME_RULE) ??
    findRuleProblem("spec.serviceAccountName", serviceAccountName, DNS_SUBDOMAIN_RULE) ??
    findRuleProblem("spec.serviceAccount", serviceAccount, DNS_SUBDOMAIN_RULE) ??
    findContainerProblem("spec.initContainers", initContainers) ??
    findContainerProblem("spec.containers", containers) ??
    findDuplicateProblem([initContainers, containers])
  );
}

interface NameRule {
  readonly expected: string;
  readonly test: (text: string) => boolean;
}

const DNS_LABEL_RULE: NameRule = {
  expected: "a DNS label: up to 63 lower-case letters, digits and dashes",
  test: isDnsLabel,
};
const DNS_SUBDOMAIN_RULE: NameRule = {
  expected: "a DNS subdomain: up to 253 lower-case letters, digits, dashes and dots",
  test: isDnsSubdomain,
};
/** The API server appends five characters, after it has cut the beginning if the name would become too long. */
const GENERATE_NAME_RULE: NameRule = {
  expected: "the beginning of a DNS subdomain: up to 253 lower-case letters, digits, dashes and dots",
  test: (text) => isDnsSubdomain(text) || isDnsSubdomain(`${text}a`),
};

/** An absent or empty name is no problem here; values that are no text are plan()'s to refuse. */
function findRuleProblem(field: string, value: unknown, { expected, test }: NameRule): string | undefined {
  if (typeof value !== "string" || value === "" || test(value)) return undefined;
  return `${field} is ${quoted(value)}; expected ${expected}`;
}

function findContainerProblem(field: string, list: unknown): string | undefined {
  if (!Array.isArray(list)) return undefined;
  for (const [index, container] of list.entries()) {
    const found = isObject(container)
      ? findRuleProblem(`${field}[${index}].name`, container["name"], DNS_LABEL_RULE)
      : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Kubernetes requires names that are unique among all containers, and podrole decides and records roles by them. */
function findDuplicateProblem(lists: readonly unknown[]): string | undefined {
  const seen = new Set<string>();
  for (const container of lists.flatMap((list): unknown[] => (Array.isArray(list) ? list : []))) {
    const name = isObject(container) ? container["name"] : undefined;
    if (typeof name !== "string" || name === "") continue;
    if (seen.has(name)) return `two containers have the name ${quoted(name)}; expected a name of its own for each`;
    seen.add(name);
  }
  return undefined;
}
