// A pod, its inherited annotations and settings, which the tests of policy vary.
import type { InheritedAnnotations, PodFacts, PolicySettings } from "../../src/policy/decide.ts";
import { parseRoleArn, type RoleArn } from "../../src/policy/role.ts";
import { isRefusal } from "../../src/protocol/errors.ts";

export const BASE_ARN = "arn:aws:iam::123456789012:role/";
export const ROLE_ANNOTATION = "iam.amazonaws.com/role";
export const PERMITTED_ANNOTATION = "iam.amazonaws.com/permitted";
export const ALLOWED_ROLES_ANNOTATION = "iam.amazonaws.com/allowed-roles";

/** STS's rule for RoleSessionName and SourceIdentity. */
export const STS_NAME = /^[A-Za-z0-9_+=,.@-]{2,64}$/;

export function policySettingsWith(overrides: Partial<PolicySettings> = {}): PolicySettings {
  return {
    baseArn: BASE_ARN,
    strictNamespaceRegexp: true,
    allowedRolesFormat: "glob",
    sessionName: { kind: "template", template: "{namespace}.{pod}" },
    sessionDurationMs: 3_600_000,
    sessionTags: false,
    sourceIdentity: false,
    clusterName: undefined,
    defaultRole: undefined,
    ...overrides,
  };
}

export function podFactsWith(annotations: Record<string, string> = {}, overrides: Partial<PodFacts> = {}): PodFacts {
  return {
    namespace: "shop",
    name: "web-5d9f8-x2x4z",
    uid: "0f1e2d3c-0000-4000-8000-000000000001",
    serviceAccount: "web",
    annotations,
    labels: {},
    containers: ["app"],
    ...overrides,
  };
}

export function inherited(
  namespaceAnnotations: Record<string, string> = {},
  serviceAccountAnnotations: Record<string, string> = {},
): InheritedAnnotations {
  return { namespaceAnnotations, serviceAccountAnnotations };
}

export function parsedRole(arn: string): RoleArn {
  const parsed = parseRoleArn(arn);
  if (parsed === undefined) throw new TypeError(`${arn} is not a role ARN`);
  return parsed;
}

/** Returns the code of a refusal, undefined for anything else. */
export function codeOf(result: unknown): string | undefined {
  return isRefusal(result) ? result.code : undefined;
}
