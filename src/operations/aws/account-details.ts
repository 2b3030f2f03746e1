// The roles of accounts and whom they trust, as `aws iam get-account-authorization-details` prints them. Pure.
// (https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html)
import { parseRoleArn } from "../../policy/role.ts";
import { isObject, parseJson, parseObject } from "../../runtime/json-object.ts";
import { failure, type Result, success } from "../../runtime/result.ts";

/** A statement of a policy; its fields have any shape. */
export type PolicyStatement = Readonly<Record<string, unknown>>;

/** Roles that exist, with the statements of their trust policies. */
export interface AccountDetails {
  /** Accounts that have at least one role; nothing is known about the others. */
  readonly accountIds: ReadonlySet<string>;
  /** By the role's ARN. */
  readonly trust: ReadonlyMap<string, readonly PolicyStatement[]>;
}

const EXPECTED = "expected the output of `aws iam get-account-authorization-details`";

/**
 * Reads one or more outputs, such as those of several accounts; the problem continues a sentence. Never throws. AWS
 * prints each role of one account once, so an output with a role of another account, or with a role twice, is refused:
 * whoever supplies the output of one account must not decide what is said about the roles of another.
 */
export function parseAccountDetails(text: string): Result<AccountDetails> {
  const parsed = parseJson(text);
  if (parsed === undefined) return failure(`is not JSON; ${EXPECTED}`);
  const trust = new Map<string, readonly PolicyStatement[]>();
  const accountIds = new Set<string>();
  for (const output of Array.isArray(parsed) ? parsed : [parsed]) {
    if (!isObject(output) || !Array.isArray(output["RoleDetailList"]))
      return failure(`has no RoleDetailList; ${EXPECTED}`);
    if (output["IsTruncated"] === true) return failure(`contains only a part of the roles; ${EXPECTED} with all pages`);
    const accountsOfOutput = new Set<string>();
    for (const role of output["RoleDetailList"]) {
      const arn = isObject(role) && typeof role["Arn"] === "string" ? parseRoleArn(role["Arn"]) : undefined;
      const statements = isObject(role) ? statementsOf(role["AssumeRolePolicyDocument"]) : undefined;
      if (arn === undefined) return failure(`has a role without an ARN; ${EXPECTED}`);
      if (statements === undefined) return failure(`has no trust policy for ${arn.arn}; ${EXPECTED}`);
      if (trust.has(arn.arn)) return failure(`contains ${arn.arn} twice; ${EXPECTED}, once for each account`);
      trust.set(arn.arn, statements);
      accountsOfOutput.add(arn.accountId);
    }
    const accounts = [...accountsOfOutput];
    if (accounts.length > 1) {
      return failure(
        `has roles of accounts ${accounts.join(", ")} in one output; ${EXPECTED}, which is of one account`,
      );
    }
    for (const account of accounts) accountIds.add(account);
  }
  return success({ accountIds, trust });
}

/** The command line of AWS prints a document as JSON; the API returns it as text with percent-encoding (RFC 3986). */
function statementsOf(document: unknown): readonly PolicyStatement[] | undefined {
  const value = typeof document === "string" ? parseObject(decoded(document)) : document;
  const statement = isObject(value) ? value["Statement"] : undefined;
  const statements = Array.isArray(statement) ? statement : [statement];
  return statements.every(isObject) ? statements : undefined;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
