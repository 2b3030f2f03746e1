// IAM role names and ARNs. A malformed value is a refusal of the pod that carries it, never a fault of the server.
// Names and paths: https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateRole.html
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

/** Commercial, China, GovCloud, European Sovereign Cloud, and the isolated ones. */
const PARTITION = "aws(?:-cn|-us-gov|-eusc|-iso(?:-[a-z])?)?";
/** IAM: "/" alone, or 512 characters at most from "!" to "~" between two slashes. It may hold ":" and "*". */
const PATH = String.raw`/(?:[\x21-\x7e]{1,510}/)?`;
/** IAM: 1 to 64 characters. */
const NAME = String.raw`[\w+=,.@-]{1,64}`;
const ROLE_ARN = new RegExp(String.raw`^arn:(${PARTITION}):iam::(\d{12}):role(${PATH})(${NAME})$`);
const BASE_ARN = new RegExp(String.raw`^arn:${PARTITION}:iam::\d{12}:role${PATH}$`);
/** Above every legal ARN: what is longer need not be looked at. */
const LONGEST = 700;

/** The parts of a role's ARN; undefined when it is none. */
export function parseRoleArn(text: string): RoleArn | undefined {
  if (text.length > LONGEST) return undefined;
  const [arn, partition, accountId, path, name] = ROLE_ARN.exec(text) ?? [];
  if (arn === undefined || !partition || !accountId || !path || !name) return undefined;
  return { arn, partition, accountId, path, name };
}

/**
 * The text that goes before short role names, ending in "/" (added when missing, as kube2iam does; kiam wanted it
 * written); a path is allowed. Undefined when it is not a base ARN.
 */
export function parseBaseArn(text: string): string | undefined {
  const base = text.endsWith("/") ? text : `${text}/`;
  return base.length <= LONGEST && BASE_ARN.test(base) ? base : undefined;
}

const ACCEPTED = '"name", "path/name", "/path/name" or "arn:aws:iam::123456789012:role/path/name"';

/**
 * The ARN that a role annotation means: a full ARN as it is, anything else behind the base ARN with one leading slash
 * dropped (kiam's rule, pkg/aws/sts/arn_resolver.go). `origin` names the annotation or setting for the message.
 * Never throws; ROLE_INVALID for what is neither.
 */
export function resolveRole(text: string, baseArn: string | undefined, origin = "the role"): RoleArn | Refusal {
  const isArn = isArnLike(text);
  if (baseArn === undefined && isShortRole(text)) {
    return invalid(origin, text, "it is not a full ARN and --role-base-arn is not set, wanted a full role ARN");
  }
  const role = isArn ? parseRoleArn(text) : parseRoleArn(`${baseArn ?? ""}${withoutSlash(text)}`);
  return role ?? invalid(origin, text, `it ${describe(text, isArn)}, wanted ${ACCEPTED}`);
}

/** `/team/x` → `team/x`; exactly one slash. */
export function withoutSlash(text: string): string {
  return text.startsWith("/") ? text.slice(1) : text;
}

/** True for a well-formed role name that needs a base ARN. */
export function isShortRole(text: string): boolean {
  return !isArnLike(text) && parseRoleArn(`arn:aws:iam::000000000000:role/${withoutSlash(text)}`) !== undefined;
}

/** Case does not matter here: "ARN:aws:…" is a mistyped ARN, not a path below the base ARN. */
function isArnLike(text: string): boolean {
  return /^arn:/i.test(text);
}

/** What is wrong, for a person; the value itself stands before it. */
function describe(text: string, isArn: boolean): string {
  if (text === "") return "is empty";
  if (!/^[\x21-\x7e]*$/.test(text)) return "has white space or characters that IAM does not take";
  if (isArn) return "is not the ARN of an IAM role";
  const name = text.slice(text.lastIndexOf("/") + 1);
  if (name.length > 64) return `has a name of ${name.length} characters (IAM takes 64)`;
  if (`/${withoutSlash(text)}`.length - name.length > 512) return "has a path of more than 512 characters";
  if (!/^[\w+=,.@-]+$/.test(name)) return "has a name that is not made of A-Z a-z 0-9 _ + = , . @ -";
  return "does not make a role ARN";
}

function invalid(origin: string, text: string, state: string): Refusal {
  return { code: "ROLE_INVALID", message: `Cannot resolve ${origin} ${quoted(text)}: ${state}` };
}
