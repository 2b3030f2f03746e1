// Checks of the namespaces that use podrole: their annotations, and the default roles that these name.

import { sizePod } from "../../../injection/fit-sizes.ts";
import { type NamespaceLimits, namespaceLimits } from "../../../injection/namespace-limits.ts";
import type { PlanSettings } from "../../../injection/plan.ts";
import { quotaWarnings } from "../../../injection/quota-warnings.ts";
import { applyRangeDefaults } from "../../../injection/range-defaults.ts";
import type { LimitRange, Namespace, ObjectMeta, ResourceQuota, ServiceAccount } from "../../../kubernetes/objects.ts";
import { ANNOTATIONS, valueOf } from "../../../policy/annotations.ts";
import { decideRoles } from "../../../policy/decide.ts";
import { isRefusal } from "../../../protocol/errors.ts";
import { countOf } from "../../format.ts";
import { allKnown } from "../../known.ts";
import { type CheckVerdict, failed, inSection, judgeKnown, problemsOrOk, warning } from "../finding.ts";
import { labelledNamespaces, qualifiedPodName, workloadsOf } from "../workloads.ts";

/** Checks of section "workloads" that judge namespaces. */
export const NAMESPACE_CHECKS = inSection("workloads", "installed", {
  NAMESPACES_PERMIT: {
    summary: "Every namespace with the label `podrole.io/inject: enabled` permits at least one role.",
    remedy:
      "Annotate the namespace with `iam.amazonaws.com/permitted` or `iam.amazonaws.com/allowed-roles`, or remove the label. Without one of these annotations, podrole refuses every role in the namespace with ROLE_FORBIDDEN.",
    judge: ({ namespaces, isOneNamespace }) =>
      judgeKnown(namespaces, (list) => {
        const selected = labelledNamespaces(list);
        if (selected.length === 0 && isOneNamespace && list.length > 0) {
          return warning(
            `It does not have the label podrole.io/inject: enabled`,
            `namespace ${list[0]?.metadata.name}`,
          );
        }
        if (selected.length === 0)
          return warning("No namespace has the label podrole.io/inject: enabled; expected one");
        return problemsOrOk(
          selected.flatMap(({ metadata }) => {
            const { annotations = {}, name } = metadata;
            const values = [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles].map((key) => valueOf(annotations, key));
            return values.some(Boolean)
              ? []
              : [failed(`It permits no role; expected an expression in ${ANNOTATIONS.permitted}`, `namespace ${name}`)];
          }),
          `${countOf(selected.length, "labelled namespace")}, and each permits at least one role`,
        );
      }),
  },
  EXPRESSIONS: {
    summary:
      "The namespaces' annotations are valid: `iam.amazonaws.com/permitted` is an RE2 expression, and `iam.amazonaws.com/allowed-roles` is a JSON array of patterns.",
    remedy:
      "Correct the annotation; the message describes the error. Until then, the namespace permits no role (PERMITTED_INVALID).",
    judge: (facts) =>
      judgeKnown(workloadsOf(facts), ({ namespaces, settings }) =>
        problemsOrOk(
          labelledNamespaces(namespaces.values()).flatMap(({ metadata }) => {
            const state = findInvalidExpression(metadata.name ?? "", metadata.annotations ?? {}, settings);
            return state === undefined ? [] : [failed(state, `namespace ${metadata.name}`)];
          }),
          "every expression is valid",
        ),
      ),
  },
  DEFAULT_ROLES: {
    summary: "Every namespace permits its own default role and those of its ServiceAccounts.",
    remedy:
      "Permit the role in the namespace, or correct the annotation that names it. Until then, podrole refuses every pod that uses the default role.",
    judge: (facts) =>
      judgeKnown(workloadsOf(facts), ({ settings, namespaces, accounts }) =>
        problemsOrOk(
          labelledNamespaces(namespaces.values()).flatMap(({ metadata }) => {
            const owners = [...accounts.values()].filter((account) => account.metadata.namespace === metadata.name);
            return [undefined, ...owners].flatMap((account) => refusedDefaults(metadata, account, settings));
          }),
          "every default role is permitted",
        ),
      ),
  },
  SIZES_FIT: {
    summary:
      "The LimitRanges and ResourceQuotas of every labelled namespace have room for podrole's containers in an ordinary pod, and the namespace's `podrole.io/sidecar-…` annotations are valid.",
    remedy:
      "Change the LimitRange or the quota that the message names, or the sizes of podrole's containers ([docs/capacity.md](capacity.md#requests-and-limits)). Until then, pods of the namespace may be refused.",
    judge: (facts) => {
      const { limitRanges, resourceQuotas } = facts;
      return judgeKnown(allKnown({ limitRanges, resourceQuotas }), (known) =>
        judgeKnown(workloadsOf(facts), ({ namespaces, settings }) =>
          problemsOrOk(
            labelledNamespaces(namespaces.values()).flatMap(({ metadata }) => {
              const limits = limitsIn(metadata.name ?? "", known.limitRanges, known.resourceQuotas);
              return judgeSizes(metadata, limits, settings);
            }),
            "every labelled namespace has room for podrole's containers",
          ),
        ),
      );
    },
  },
});

/** What the rules of a namespace say about podrole's containers in an ordinary pod. */
function judgeSizes(
  { name = "", annotations = {} }: Namespace["metadata"],
  limits: NamespaceLimits,
  { resources: settings }: PlanSettings,
): readonly CheckVerdict[] {
  const pod = applyRangeDefaults(SIZED_POD, limits.ranges);
  const sizes = sizePod(pod, { annotations, limits }, settings);
  if (isRefusal(sizes)) return [failed(`${sizes.code}: ${sizes.message}`, `namespace ${name}`)];
  return quotaWarnings(pod, sizes).map(({ text }) => warning(`${text}; ${BESIDES_SIDECAR}`, `namespace ${name}`));
}

const BESIDES_SIDECAR =
  "a pod's own containers need room besides (PODS_CREATED says how much a workload that lacks pods needs)";

/** A pod without requests and limits of its own. */
const SIZED_POD = { metadata: {}, spec: { containers: [{ name: "app" }] } };

function limitsIn(
  namespace: string,
  limitRanges: readonly LimitRange[],
  resourceQuotas: readonly ResourceQuota[],
): NamespaceLimits {
  const isHere = ({ metadata }: { readonly metadata: ObjectMeta }) => metadata.namespace === namespace;
  return namespaceLimits(limitRanges.filter(isHere), resourceQuotas.filter(isHere));
}

/** ARN of a role that does not exist, to evaluate expressions with. */
const PROBE_ROLE_ARN = "arn:aws:iam::000000000000:role/podrole-check";

function findInvalidExpression(
  namespace: string,
  annotations: Readonly<Record<string, string>>,
  { policy }: PlanSettings,
): string | undefined {
  // Each annotation alone: if one forbids the role, decideRoles() does not evaluate the other.
  for (const key of [ANNOTATIONS.permitted, ANNOTATIONS.allowedRoles]) {
    const value = valueOf(annotations, key);
    if (value === undefined) continue;
    const inherited = { namespaceAnnotations: { [key]: value }, serviceAccountAnnotations: {} };
    const pod = { ...ANY_POD, namespace, annotations: { [ANNOTATIONS.role]: PROBE_ROLE_ARN } };
    const [decision] = decideRoles(pod, inherited, policy).roles;
    if (decision?.refusal?.code === "PERMITTED_INVALID") return decision.refusal.message;
  }
  return undefined;
}

const ANY_POD = { name: "any", uid: "", serviceAccount: "any", labels: {}, containers: ["app"], annotations: {} };

function refusedDefaults(
  { name = "", annotations = {} }: Namespace["metadata"],
  account: ServiceAccount | undefined,
  { policy }: PlanSettings,
): readonly CheckVerdict[] {
  const inherited = {
    namespaceAnnotations: annotations,
    serviceAccountAnnotations: account?.metadata.annotations ?? {},
  };
  const origin = account === undefined ? "namespace" : "serviceAccount";
  const pod = { ...ANY_POD, namespace: name, serviceAccount: account?.metadata.name ?? "default" };
  const object = account === undefined ? `namespace ${name}` : `serviceaccount ${qualifiedPodName(account)}`;
  return decideRoles(pod, inherited, policy).roles.flatMap((decision) =>
    decision.outcome === "refused" && decision.origin === origin
      ? [failed(`${decision.refusal.code}: ${decision.refusal.message}`, object)]
      : [],
  );
}
