// Whether a namespace permits a role, by the installed settings: the decision of webhook and server, as far as the
// namespace makes it. Pure.
import { ANNOTATIONS } from "../policy/annotations.ts";
import { decideRoles, type PolicySettings } from "../policy/decide.ts";
import type { Refusal } from "../protocol/errors.ts";
import { labelledAnnotations, type NamespaceSights } from "./namespace-sight.ts";

/** A permission, or why there is none. */
export type Permitted = { readonly isPermitted: true } | Refusal;

/** A container, and the role that it is to have, given by its ARN. */
export interface AskedRole {
  readonly namespace: string;
  readonly pod: string;
  readonly container: string;
  readonly role: string;
}

/** Returns what judges a role; undefined for a namespace that is unknown or without the label. */
export function createNamespacePermission(
  policy: PolicySettings | undefined,
  namespaces: NamespaceSights,
): (asked: AskedRole) => Permitted | undefined {
  return ({ namespace, pod: name, container, role }) => {
    const namespaceAnnotations = labelledAnnotations(namespaces, namespace);
    if (policy === undefined || namespaceAnnotations === undefined) return undefined;
    const annotations = { [ANNOTATIONS.role]: role };
    const facts = {
      namespace,
      name,
      uid: undefined,
      serviceAccount: "",
      annotations,
      labels: {},
      containers: [container],
    };
    const inherited = { namespaceAnnotations, serviceAccountAnnotations: {} };
    const [decision] = decideRoles(facts, inherited, policy).roles;
    if (decision === undefined || decision.outcome === "undecided") return undefined;
    return decision.outcome === "allowed" ? { isPermitted: true } : decision.refusal;
  };
}
