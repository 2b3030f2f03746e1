// AssumeRole for a known caller: fields → trust → duration → packed size → session. This is STS's order: a caller that
// the role does not trust gets no information about it. An error is a value.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { deflateRawSync } from "node:zlib";
import type { AccessKeys, IssuedSession } from "./access-keys.ts";
import type { AssumeRoleFields } from "./assume-role-input.ts";
import type { Caller, StsTag } from "./caller.ts";
import { accessDenied, invalidParameterValue, packedPolicyTooLarge, type StsError, validationError } from "./errors.ts";
import { deniedAction, type Role, type RoleTable } from "./roles.ts";

/** What AssumeRole reads and writes. */
export interface AssumeRoleContext {
  readonly roles: RoleTable;
  readonly credentials: AccessKeys;
  /** Unix milliseconds. */
  readonly now: number;
  readonly packedPolicyBytes: number;
  /** Ends sessions of AssumeRole after this time, in seconds; undefined: as requested. */
  readonly sessionCapSeconds?: number | undefined;
}

/** A new session. */
export interface AssumedRole {
  readonly session: IssuedSession;
  readonly sourceIdentity: string | undefined;
  /** Whole percents of the space for session policies and tags; undefined if there are none. */
  readonly packedPolicySize: number | undefined;
}

/** Longest session of a role that was assumed with the credentials of another role's session, in seconds. */
const MAX_CHAINED_SECONDS = 3600;

/** Returns a session, or STS's error for the first check that fails. */
export function assumeRole(
  fields: AssumeRoleFields,
  caller: Caller,
  { roles, credentials, now, packedPolicyBytes, sessionCapSeconds = Infinity }: AssumeRoleContext,
): AssumedRole | StsError {
  const role = roles.get(fields.roleArn);
  const inherited = caller.session?.transitiveTags ?? [];
  const sourceIdentity = caller.session?.sourceIdentity ?? fields.sourceIdentity;
  const denied = deniedAction(role, {
    caller,
    externalId: fields.externalId,
    tagged: fields.tags.length + inherited.length > 0,
    identified: sourceIdentity !== undefined,
  });
  if (denied !== undefined || role === undefined) {
    return accessDenied(caller.arn, denied ?? "sts:AssumeRole", fields.roleArn);
  }
  const problem = findDurationError(fields.durationSeconds, role, caller) ?? findInheritanceError(fields, caller);
  if (problem) return problem;

  const packedPolicySize = packedSize(fields, inherited, packedPolicyBytes);
  if (packedPolicySize !== undefined && packedPolicySize > 100) return packedSizeError(fields, packedPolicySize);
  const transitive = fields.tags.filter(({ key }) => includesKey(fields.transitiveTagKeys, key));
  const session = credentials.issue({
    role,
    sessionName: fields.sessionName,
    // STS rounds down to the second.
    expiresAt: (Math.floor(now / 1000) + Math.min(fields.durationSeconds, sessionCapSeconds)) * 1000,
    sourceIdentity,
    transitiveTags: [...inherited, ...transitive],
  });
  return { session, sourceIdentity, packedPolicySize };
}

/** The role's own maximum is checked before the limit of role chaining. */
function findDurationError(seconds: number, role: Role, { session }: Caller): StsError | undefined {
  if (seconds > role.maxSessionDurationSeconds) {
    return validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.");
  }
  if (session !== undefined && seconds > MAX_CHAINED_SECONDS) {
    return validationError(
      "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.",
    );
  }
  return undefined;
}

/** A chained session cannot change what it inherits. */
function findInheritanceError({ sourceIdentity, tags }: AssumeRoleFields, { session }: Caller): StsError | undefined {
  const inherited = session?.sourceIdentity;
  if (inherited !== undefined && sourceIdentity !== undefined && sourceIdentity !== inherited) {
    return validationError("The source identity is already set for this assume role session");
  }
  const fixed = session?.transitiveTags.map(({ key }) => key) ?? [];
  const overridden = tags.find(({ key }) => includesKey(fixed, key));
  return overridden && invalidParameterValue(`The transitive tag key ${overridden.key} cannot be overridden.`);
}

/**
 * AWS compresses session policies and tags into a format of its own with an unpublished limit; here deflated JSON of
 * the same content replaces it, so the percentage is an estimate.
 */
function packedSize(
  { policy, policyArns, tags }: AssumeRoleFields,
  inherited: readonly StsTag[],
  allotted: number,
): number | undefined {
  const pairs = [...inherited, ...tags].map(({ key, value }) => [key, value]);
  if (policy === undefined && policyArns.length === 0 && pairs.length === 0) return undefined;
  const packed = deflateRawSync(JSON.stringify([policy ?? "", policyArns, pairs]), { level: 9 });
  return Math.ceil((100 * packed.length) / allotted);
}

function packedSizeError({ policy, policyArns }: AssumeRoleFields, percent: number): StsError {
  return policy === undefined && policyArns.length === 0
    ? packedPolicyTooLarge(`Packed size of session tags consumes ${percent}% of allotted space.`)
    : packedPolicyTooLarge(`Packed policy consumes ${percent}% of allotted space, please use smaller policy.`);
}

/** Tag keys are case-insensitive. */
function includesKey(keys: readonly string[], key: string): boolean {
  return keys.some((other) => other.toLowerCase() === key.toLowerCase());
}
