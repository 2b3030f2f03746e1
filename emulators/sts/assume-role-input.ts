// The fields of AssumeRole, parsed and checked before authorization. No field that would narrow or change the session
// is ignored: features that this emulator lacks (MFA, provided contexts) are refused.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html#API_AssumeRole_RequestParameters)

import { parseObject } from "../../src/runtime/json-object.ts";
import type { StsTag } from "./caller.ts";
import { type Constraint, countViolations, findViolations, rangeViolations, validationErrors } from "./constraints.ts";
import {
  invalidParameterValue,
  malformedInput,
  malformedPolicyDocument,
  type StsError,
  validationError,
} from "./errors.ts";
import { type QueryForm, readTags } from "./query.ts";
import { isRoleArn } from "./roles.ts";

/** The parsed fields of AssumeRole. */
export interface AssumeRoleFields {
  readonly roleArn: string;
  readonly sessionName: string;
  readonly durationSeconds: number;
  readonly externalId: string | undefined;
  readonly sourceIdentity: string | undefined;
  readonly policy: string | undefined;
  readonly policyArns: readonly string[];
  readonly tags: readonly StsTag[];
  readonly transitiveTagKeys: readonly string[];
}

const DEFAULT_DURATION_SECONDS = 3600;
const XML_TEXT = String.raw`[\u0009\u000A\u000D\u0020-\u007E\u0085\u00A0-\uD7FF\uE000-\uFFFD\u10000-\u10FFFF]+`;
const FIELD_PATTERNS = {
  // STS refuses characters beyond U+FFFF although the pattern in its message includes them.
  arn: { regexp: /^[\t\n\r -~\u0085\u00A0-\uD7FF\uE000-\uFFFD]+$/u, text: XML_TEXT },
  name: { regexp: /^[\w+=,.@-]*$/, text: String.raw`[\w+=,.@-]*` },
  externalId: { regexp: /^[\w+=,.@:/-]*$/, text: String.raw`[\w+=,.@:\/-]*` },
  tagKey: { regexp: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]+$/u, text: String.raw`[\p{L}\p{Z}\p{N}_.:/=+\-@]+` },
  tagValue: { regexp: /^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$/u, text: String.raw`[\p{L}\p{Z}\p{N}_.:/=+\-@]*` },
} as const;
const NOT_EMULATED = ["SerialNumber", "TokenCode"];

/** Returns the fields, or STS's error for the first check that fails. */
export function readAssumeRole(form: QueryForm): AssumeRoleFields | StsError {
  const unknown = NOT_EMULATED.find((name) => form.get(name) !== undefined);
  if (unknown !== undefined || form.list("ProvidedContexts").length > 0) {
    return invalidParameterValue(`${unknown ?? "ProvidedContexts"} is not emulated`);
  }
  const duration = readDuration(form.get("DurationSeconds"));
  if (typeof duration === "object") return duration;
  const fields = {
    roleArn: form.get("RoleArn"),
    sessionName: form.get("RoleSessionName"),
    durationSeconds: duration,
    externalId: form.get("ExternalId"),
    sourceIdentity: form.get("SourceIdentity"),
    policy: form.get("Policy"),
    policyArns: form.list("PolicyArns").map((member) => member("arn") ?? ""),
    tags: readTags(form),
    transitiveTagKeys: form.list("TransitiveTagKeys").map((member) => member("") ?? ""),
  };
  const { roleArn = "", sessionName = "" } = fields;
  const complete = { ...fields, roleArn, sessionName };
  return (
    validationErrors([
      ...[...scalarConstraints(fields), ...listConstraints(complete)].flatMap(findViolations),
      ...rangeViolations("durationSeconds", duration, 900, 43_200),
      ...countViolations("policyArns", fields.policyArns.length, 10),
      ...countViolations("tags", fields.tags.length, 50),
      ...countViolations("transitiveTagKeys", fields.transitiveTagKeys.length, 50),
    ]) ??
    findMeaningError(complete) ??
    complete
  );
}

function scalarConstraints(
  fields: {
    readonly [Key in "roleArn" | "sessionName" | "externalId" | "sourceIdentity" | "policy"]: string | undefined;
  },
): Constraint[] {
  const { arn, name, externalId } = FIELD_PATTERNS;
  return [
    { path: "roleArn", value: fields.roleArn, isRequired: true, min: 20, max: 2048, pattern: arn },
    { path: "roleSessionName", value: fields.sessionName, isRequired: true, min: 2, max: 64, pattern: name },
    { path: "policy", value: fields.policy, min: 1, max: 2048 },
    { path: "externalId", value: fields.externalId, min: 2, max: 1224, pattern: externalId },
    { path: "sourceIdentity", value: fields.sourceIdentity, min: 2, max: 256, pattern: name },
  ];
}

function listConstraints({ tags, policyArns, transitiveTagKeys }: AssumeRoleFields): Constraint[] {
  const { arn, tagKey, tagValue } = FIELD_PATTERNS;
  return [
    ...policyArns.map((value, n) => ({
      path: `policyArns.${n + 1}.member.arn`,
      value,
      min: 20,
      max: 2048,
      pattern: arn,
    })),
    ...tags.flatMap(({ key, value }, n) => [
      { path: `tags.${n + 1}.member.key`, value: key, min: 1, max: 128, pattern: tagKey },
      { path: `tags.${n + 1}.member.value`, value, max: 256, pattern: tagValue },
    ]),
    ...transitiveTagKeys.map((value, n) => ({
      path: `transitiveTagKeys.${n + 1}.member`,
      value,
      min: 1,
      max: 128,
      pattern: tagKey,
    })),
  ];
}

/** A signed 32-bit number, as STS parses it: "+900" and "0900" are 900, "900.0" is malformed. */
function readDuration(text: string | undefined): number | StsError {
  if (text === undefined) return DEFAULT_DURATION_SECONDS;
  if (text === "") return malformedInput("missing value for decimal type");
  const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
  return value >= -(2 ** 31) && value < 2 ** 31 ? value : malformedInput();
}

/** Returns the error for fields that are well formed but invalid. */
function findMeaningError({
  roleArn,
  policy,
  policyArns,
  tags,
  transitiveTagKeys,
}: AssumeRoleFields): StsError | undefined {
  if (!isRoleArn(roleArn)) return validationError(`${roleArn} is invalid`);
  const foreign = policyArns.find((arn) => !/^arn:aws[\w-]*:iam::(\d{12}|aws):policy\/.+$/.test(arn));
  if (foreign !== undefined) return validationError(`ARN ${foreign} is not valid.`);
  if (policy !== undefined && !isPolicyDocument(policy)) {
    return malformedPolicyDocument("This policy contains invalid Json");
  }
  const keys = tags.map(({ key }) => key.toLowerCase());
  if (new Set(keys).size < keys.length) {
    return invalidParameterValue("Duplicate tag keys found. Please note that Tag keys are case insensitive.");
  }
  if (keys.some((key) => key.startsWith("aws:"))) {
    return invalidParameterValue("Tag keys that begin with 'aws:' are reserved for system use.");
  }
  const stray = transitiveTagKeys.find((key) => !keys.includes(key.toLowerCase()));
  if (stray === undefined) return undefined;
  return invalidParameterValue(`The specified transitive tag key ${stray} is not among the tags.`);
}

function isPolicyDocument(text: string): boolean {
  return "Statement" in (parseObject(text) ?? {});
}
