// Check of the ValidatingAdmissionPolicy that keeps nodes and schedulers from changing podrole's annotations of pods.
import type { ObjectMeta } from "../../../kubernetes/objects.ts";
import { type CheckVerdict, inSection, judgeKnown, ok, skipped, warning } from "../finding.ts";

/** manifests/base/pod-status-policy.yaml. */
const GUARD_POLICY = "podrole-pod-status";
/** What changes a pod's annotations without an update of the pod. */
const GUARDED = [
  ["UPDATE", "pods/status"],
  ["CREATE", "pods/binding"],
  ["CREATE", "bindings"],
] as const;
/** ValidatingAdmissionPolicy is enabled by default since 1.30. */
const MIN_POLICY_MINOR = 30;

interface AdmissionPolicy {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly failurePolicy?: string;
    readonly matchConstraints?: {
      readonly resourceRules?: readonly {
        readonly operations?: readonly string[];
        readonly resources?: readonly string[];
      }[];
      readonly namespaceSelector?: object;
      readonly objectSelector?: object;
    };
  };
}

interface PolicyBinding {
  readonly metadata: ObjectMeta;
  readonly spec: {
    readonly policyName?: string;
    readonly validationActions?: readonly string[];
    readonly matchResources?: object;
  };
}

/** The ValidatingAdmissionPolicies of the cluster, and their bindings. */
export interface AdmissionPolicies {
  readonly policies: readonly AdmissionPolicy[];
  readonly bindings: readonly PolicyBinding[];
}

/** The check of section "registration" that judges the policy which guards podrole's annotations. */
export const ANNOTATION_GUARD_CHECKS = inSection("registration", "installed", {
  ANNOTATIONS_GUARDED: {
    summary:
      "ValidatingAdmissionPolicy `podrole-pod-status` keeps nodes and schedulers from changing podrole's annotations of pods (Kubernetes 1.30 or later).",
    remedy:
      "Apply `manifests/base/pod-status-policy.yaml` again. Without it, a kubelet can change the role of a running pod on its node to another one that the pod's namespace permits, and a scheduler that of a pod that it binds to a node.",
    judge: ({ api, admissionPolicies }) =>
      judgeKnown(api, ({ major, minor }) =>
        major === 1 && minor < MIN_POLICY_MINOR
          ? skipped(`Kubernetes ${major}.${minor} does not enable ValidatingAdmissionPolicy by default`)
          : judgeKnown(admissionPolicies, judgePolicies),
      ),
  },
});

function judgePolicies({ policies, bindings }: AdmissionPolicies): CheckVerdict {
  const policy = policies.find(({ metadata }) => metadata.name === GUARD_POLICY);
  if (!policy) return warning(`There is no ValidatingAdmissionPolicy ${GUARD_POLICY}; expected one`);
  const object = `validatingadmissionpolicy ${GUARD_POLICY}`;
  const { failurePolicy = "Fail", matchConstraints: { resourceRules = [], ...selectors } = {} } = policy.spec;
  const missing = GUARDED.find(
    ([operation, resource]) =>
      !resourceRules.some(
        ({ operations = [], resources = [] }) => operations.includes(operation) && resources.includes(resource),
      ),
  );
  if (missing) {
    return warning(`The policy's rules do not contain ${missing.join(" of ")}; expected this rule`, object);
  }
  if (failurePolicy !== "Fail") return warning(`failurePolicy is ${failurePolicy}; expected Fail`, object);
  if (hasKeys(selectors.namespaceSelector) || hasKeys(selectors.objectSelector)) {
    return warning("The policy selects some pods only; expected no selector", object);
  }
  const binding = bindings.find(
    ({ spec }) => spec.policyName === GUARD_POLICY && spec.validationActions?.includes("Deny") && !isNarrowed(spec),
  );
  return binding
    ? ok(`${object} is in force`)
    : warning("No binding puts the policy in force for every pod; expected one with validationActions [Deny]", object);
}

/** The API server adds empty selectors and `matchPolicy` by default. */
function isNarrowed({ matchResources = {} }: PolicyBinding["spec"]): boolean {
  return Object.entries(matchResources).some(([key, value]) => key !== "matchPolicy" && hasKeys(value));
}

function hasKeys(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length > 0;
}
