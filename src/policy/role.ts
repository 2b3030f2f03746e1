// IAM role names and ARNs. A malformed value is a refusal of the pod that carries it, never an error of the server.
// Names and paths: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
import { type Refusal, refuse } from "../protocol/errors.ts";
import { quoted } from "./annotations.ts";

/** The ARN of an IAM role and its parts. */
export interface RoleArn {
  readonly arn: string;
  readonly partition: string;
  readonly accountId: string;
  /** Begins and ends with "/". */
  readonly path: string;
  readonly name: string;
}

/** Commercial, China, GovCloud, European Sovereign Cloud, and the isolated ones. */
const PARTITION = "aws(?:-cn|-us-gov|-eusc|-iso(?:-[a-z])?)?";
/** IAM: "/" alone, or 512 characters at most from "!" to "~" between two slashes. It may hold ":" and "*". */
export const ROLE_PATH = String.raw`/(?:[\x21-\x7e]{1,510}/)?`;
/** Characters of names in IAM and STS, for a character class: A-Z a-z 0-9 _ + = , . @ - */
export const NAME_CHARACTERS = String.raw`\w+=,.@-`;
/** IAM: 1 to 64 characters. */
const ROLE_NAME = `[${NAME_CHARACTERS}]{1,64}`;
const HAS_OTHER_CHARACTERS = new RegExp(`[^${NAME_CHARACTERS}]`, "u");
const ROLE_ARN_PATTERN = new RegExp(String.raw`^arn:(${PARTITION}):iam::(\d{12}):role(${ROLE_PATH})(${ROLE_NAME})$`);
const BASE_ARN_PATTERN = new RegExp(String.raw`^arn:${PARTITION}:iam::\d{12}:role${ROLE_PATH}$`);
/** Longer than every legal ARN: longer text is refused unread. */
const MAX_ARN_LENGTH = 700;

/** Parses the ARN of a role; undefined for any other text. */
export function parseRoleArn(text: string): RoleArn | undefined {
  if (text.length > MAX_ARN_LENGTH) return undefined;
  const [arn, partition, accountId, path, name] = ROLE_ARN_PATTERN.exec(text) ?? [];
  if (arn === undefined || !partition || !accountId || !path || !name) return undefined;
  return { arn, partition, accountId, path, name };
}

/**
 * Parses the text that precedes short role names. It ends in "/", which is added if missing, as kube2iam does (kiam
 * required it); a path is allowed. Undefined if it is not a base ARN.
 */
export function parseBaseArn(text: string): string | undefined {
  const base = text.endsWith("/") ? text : `${text}/`;
  return base.length <= MAX_ARN_LENGTH && BASE_ARN_PATTERN.test(base) ? base : undefined;
}

/** Returns the prefix of short role names in an account, such as "arn:aws:iam::123456789012:role/". */
export function baseArnOfAccount(accountId: string, partition = "aws"): string {
  return `arn:${partition}:iam::${accountId}:role/`;
}

/** The setting of webhook, server and podrole inject, as a flag and as a variable. */
const BASE_ARN_SETTING = "--role-base-arn (PODROLE_ROLE_BASE_ARN)";
const ACCEPTED_ROLE_FORMS = '"name", "path/name", "/path/name" or "arn:aws:iam::123456789012:role/path/name"';

/**
 * Resolves a role annotation: a full ARN as it is, anything else appended to the base ARN without one leading slash
 * (kiam's rule, pkg/aws/sts/arn_resolver.go). `origin` names the annotation or setting for the message. Never throws;
 * ROLE_INVALID if the text is neither.
 */
export function resolveRole(text: string, baseArn: string | undefined, origin = "the role"): RoleArn | Refusal {
  const isArn = isArnLike(text);
  if (baseArn === undefined && isShortRole(text)) {
    const state = "it is not a full ARN, and there is no base ARN to put in front of it";
    return roleInvalid(origin, text, `${state}; expected a full role ARN, or ${BASE_ARN_SETTING}`);
  }
  const role = isArn ? parseRoleArn(text) : parseRoleArn(`${baseArn ?? ""}${withoutSlash(text)}`);
  return role ?? roleInvalid(origin, text, `it ${describeRoleProblem(text, isArn)}; expected ${ACCEPTED_ROLE_FORMS}`);
}

/** Stands for the base ARN where only the form of a short role name matters. */
export const ANY_BASE_ARN = baseArnOfAccount("000000000000");

/** Removes exactly one leading slash: `/team/x` → `team/x`. */
export function withoutSlash(text: string): string {
  return text.startsWith("/") ? text.slice(1) : text;
}

/** Reports whether the text is a well-formed role name that needs a base ARN. */
export function isShortRole(text: string): boolean {
  return !isArnLike(text) && parseRoleArn(`${ANY_BASE_ARN}${withoutSlash(text)}`) !== undefined;
}

/** Case-insensitive: "ARN:aws:…" is a mistyped ARN, not a path below the base ARN. */
function isArnLike(text: string): boolean {
  return /^arn:/i.test(text);
}

/** In characters; what is wrong with the form of a longer text is not looked for. */
const MAX_DESCRIBED_LENGTH = 16 * 1024;

/** Describes the problem; in the message, the value precedes it. */
function describeRoleProblem(text: string, isArn: boolean): string {
  if (text === "") return "is empty";
  if (text.length > MAX_DESCRIBED_LENGTH) return `has ${text.length} characters`;
  if (!/^[\x21-\x7e]*$/.test(text)) return "has white space or characters that IAM does not accept";
  if (isArn) return "is not the ARN of an IAM role";
  const name = text.slice(text.lastIndexOf("/") + 1);
  if (name.length > 64) return `has a name of ${name.length} characters (IAM accepts 64)`;
  if (`/${withoutSlash(text)}`.length - name.length > 512) return "has a path of more than 512 characters";
  if (name === "" || HAS_OTHER_CHARACTERS.test(name)) return "has a name that is not made of A-Z a-z 0-9 _ + = , . @ -";
  return "does not result in a role ARN";
}

function roleInvalid(origin: string, text: string, state: string): Refusal {
  return refuse("ROLE_INVALID", `Cannot resolve ${origin} ${quoted(text)}: ${state}`);
}
