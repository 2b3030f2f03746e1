// The IAM side of the STS emulator: which roles exist and which principals each one trusts. Trust is evaluated as
// direct trust within one account: a principal that the trust policy names needs no policy of its own, and one that it
// does not name is denied with the same message as for a role that does not exist.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html)
import { randomBytes } from "node:crypto";
import { base32, type Caller } from "./caller.ts";

/** The content of a trust policy, without its JSON. */
interface RoleTrust {
  /**
   * ARNs of roles (any session of the role), of sessions (`…:assumed-role/<role>/<session>`) or of users; an account's
   * root (`arn:aws:iam::<account>:root`) or the account ID (all its principals); "*".
   */
  readonly principals: readonly string[];
  /** Subjects of tokens of the account's identity providers ("system:serviceaccount:podrole:podrole-server"). */
  readonly webIdentities?: readonly string[];
  /** Condition StringEquals sts:ExternalId. */
  readonly externalId?: string;
  /** sts:TagSession is allowed beside sts:AssumeRole. */
  readonly tagSession?: boolean;
  /** sts:SetSourceIdentity is allowed beside sts:AssumeRole. */
  readonly setSourceIdentity?: boolean;
}

/** A role to create. */
export interface RoleConfig {
  readonly arn: string;
  readonly trust: RoleTrust;
  /** In seconds, 3600 to 43200; IAM's default is 3600. */
  readonly maxSessionDurationSeconds?: number;
}

/** A role of the emulated account. */
export interface Role {
  readonly arn: string;
  readonly partition: string;
  readonly account: string;
  readonly name: string;
  /** "AROA…": it survives changes of the trust policy, but not deletion. */
  readonly id: string;
  readonly trust: RoleTrust;
  readonly maxSessionDurationSeconds: number;
}

/** All roles, by ARN. */
export interface RoleTable {
  /** Creates the role, or replaces the trust and the duration of the existing one. */
  put(config: RoleConfig): void;
  /** Removes the role; its sessions become invalid immediately (IAM needs a few seconds for that). */
  remove(arn: string): void;
  get(arn: string): Role | undefined;
}

const EMULATED_ROLE_ARN =
  /^arn:(aws(?:-cn|-us-gov|-eusc|-iso(?:-[a-z])?)?):iam::(\d{12}):role\/(?:[\x21-\x7e]+\/)?([\w+=,.@-]{1,64})$/;

/** Throws an Error for an ARN that is not a role's. */
export function createRoleTable(configs: readonly RoleConfig[]): RoleTable {
  const roles = new Map<string, Role>();
  const table: RoleTable = {
    put({ arn, trust, maxSessionDurationSeconds = 3600 }) {
      const [, partition, account, name] = EMULATED_ROLE_ARN.exec(arn) ?? [];
      if (partition === undefined || account === undefined || name === undefined) {
        throw new Error(`Cannot create the role "${arn}": it is not the ARN of a role`);
      }
      const id = roles.get(arn)?.id ?? `AROA${base32(randomBytes(11)).slice(0, 17)}`;
      roles.set(arn, { arn, partition, account, name, id, trust, maxSessionDurationSeconds });
    },
    remove(arn) {
      roles.delete(arn);
    },
    get: (arn) => roles.get(arn),
  };
  for (const config of configs) table.put(config);
  return table;
}

/** Reports whether the text has the form of a role's ARN, whether or not the role exists. */
export function isRoleArn(text: string): boolean {
  return EMULATED_ROLE_ARN.test(text);
}

/** The parts of a request that a trust policy decides on. */
export interface TrustQuestion {
  readonly caller: Caller;
  readonly externalId: string | undefined;
  /** Tags are passed, or inherited from the caller's session. */
  readonly tagged: boolean;
  /** A source identity is passed or inherited. */
  readonly identified: boolean;
}

/**
 * Returns the first action that the trust policy does not allow, or undefined if it allows all that the request needs.
 */
export function deniedAction(role: Role | undefined, question: TrustQuestion): string | undefined {
  const { caller, externalId, tagged, identified } = question;
  const trust = role?.trust;
  if (!trust?.principals.some((principal) => isPrincipal(principal, caller))) return "sts:AssumeRole";
  if (trust.externalId !== undefined && trust.externalId !== externalId) return "sts:AssumeRole";
  if (tagged && trust.tagSession !== true) return "sts:TagSession";
  if (identified && trust.setSourceIdentity !== true) return "sts:SetSourceIdentity";
  return undefined;
}

function isPrincipal(principal: string, { arn, account, session }: Caller): boolean {
  if (principal === "*" || principal === arn || principal === session?.roleArn) return true;
  return principal === account || (principal.endsWith(":root") && principal.split(":")[4] === account);
}
