// The ValidatingAdmissionPolicies of manifests/base, for their tests.
import assert from "node:assert/strict";
import { readManifest } from "../files.ts";

/** A ValidatingAdmissionPolicy or its binding: the fields that tests read. */
export interface PolicyObject {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: {
    readonly failurePolicy?: string;
    readonly policyName?: string;
    readonly validationActions?: readonly string[];
    readonly matchConstraints?: {
      readonly namespaceSelector?: { readonly matchExpressions: readonly object[]; readonly matchLabels?: object };
      readonly resourceRules: readonly {
        readonly operations: readonly string[];
        readonly resources: readonly string[];
      }[];
    };
    readonly matchConditions?: readonly { readonly expression: string }[];
    readonly validations?: readonly { readonly expression: string }[];
  };
}

/** Reads a file of manifests/base that consists of one policy and its binding. */
export function readPolicy(file: string): readonly [policy: PolicyObject, binding: PolicyObject] {
  const [policy, binding, ...others] = readManifest<PolicyObject>(`base/${file}`);
  assert.ok(policy && binding && others.length === 0, file);
  return [policy, binding];
}

/** Asserts that requests which the policy selects are refused, also if the API server cannot evaluate it. */
export function assertRefuses([policy, binding]: readonly [PolicyObject, PolicyObject]): void {
  assert.deepEqual([policy.spec.failurePolicy, policy.spec.validations?.[0]?.expression], ["Fail", "false"]);
  assert.deepEqual([binding.spec.policyName, binding.spec.validationActions], [policy.metadata.name, ["Deny"]]);
}
