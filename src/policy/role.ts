// IAM role names and ARNs. A malformed value is a refusal of the pod that carries it, never a fault of the server.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html#reference_iam-quotas-names)
import type { Refusal } from "../protocol/errors.ts";
import { quoted } from "./annotations.ts";

export interface RoleArn {
  readonly arn: string;
  readonly partition: string;
  readonly accountId: string;
  /** Begins and ends with "/". */
  readonly path: string;
  readonly name: string;
}

const PARTITION = "aws(?:-cn|-us-gov|-eusc|-iso(?:-[a-z])?)?";
/** Names have up to 64 of [\w+=,.@-], paths up to 512 printable characters between slashes. */
const ARN = new RegExp(`^arn:(${PARTITION}):iam::(\\d{12}):role(/(?:[\\x21-\\x2e\\x30-\\x7e]+/)*)([\\w+=,.@-]{1,64})$`);
const BASE_ARN = new RegExp(`^arn:(?:${PARTITION}):iam::\\d{12}:role/?(?:[\\x21-\\x2e\\x30-\\x7e]+/?)*$`);
/** The longest ARN with the longest path. */
const LONGEST = 20 + 12 + 512 + 64 + 20;

export function parseRoleArn(text: string): RoleArn | undefined {
  const [arn, partition, accountId, path, name] = text.length <= LONGEST ? (ARN.exec(text) ?? []) : [];
  if (arn === undefined || partition === undefined || accountId === undefined || !path || !name) return undefined;
  return path.length <= 512 ? { arn, partition, accountId, path, name } : undefined;
}

/** The text that goes before short role names, ending in "/"; undefined when it is not a base ARN. */
export function parseBaseArn(text: string): string | undefined {
  if (text.length > LONGEST || !BASE_ARN.test(text)) return undefined;
  return text.endsWith("/") ? text : `${text}/`;
}

const ACCEPTED = 'wanted "name", "path/name", "/path/name" or "arn:aws:iam::123456789012:role/path/name"';

/**
 * The ARN that a role annotation means: a full ARN as it is, anything else behind the base ARN, one leading slash
 * dropped (kiam's rule). ROLE_INVALID for the rest. `origin` names the annotation for the message.
 */
export function resolveRole(text: string, baseArn: string | undefined, origin = "the role"): RoleArn | Refusal {
  const isArn = /^arn:/i.test(text);
  if (!isArn && baseArn === undefined && text !== "") {
    return invalid(origin, text, "it is not a full ARN and podrole has no --role-base-arn, wanted a full role ARN");
  }
  return parseRoleArn(isArn ? text : `${baseArn}${text.replace(/^\//, "")}`) ?? invalid(origin, text, ACCEPTED);
}

function invalid(origin: string, text: string, wanted: string): Refusal {
  return { code: "ROLE_INVALID", message: `Cannot resolve ${origin} ${quoted(text)}: ${wanted}` };
}
