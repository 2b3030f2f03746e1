// What an AccessDenied of AssumeRole most likely means, from STS's own words, and the statement that is missing. STS says
// which policy it was when all of them are of the server's account; of another account's role it says no more than no.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { parseRoleArn } from "../../policy/role.ts";

/** What was asked, as far as it decides which policies count. */
export type DeniedRequest = Pick<AssumeRoleInput, "roleArn" | "externalId">;

const DENIED = /^User: (\S+) is not authorized to perform: (sts:\w+)(?: on resource: (\S+))?(?: (.+))?$/s;

/** Kinds of policy that say no, in the words of STS, and who can change that. First match counts. */
const BLAMED: readonly (readonly [RegExp, (deed: Deed) => string])[] = [
  [
    /explicit deny in (a|an|the) role trust policy/,
    ({ role }) => `the trust policy of ${role} has a Deny that matches`,
  ],
  [/explicit deny in an identity-based policy/, ({ user }) => `a policy of ${user} has a Deny that matches`],
  [/explicit deny in (a|an|the) ([\w -]+ policy|permissions boundary)/, (deed) => `a Deny matches, ${deed.blamed}`],
  [/no identity-based policy allows/, ownPolicy],
  [/no role trust policy allows/, trustPolicy],
  [
    /no (service control|resource control|session|VPC endpoint) policy allows/,
    (deed) => `nothing allows it, ${deed.blamed}`,
  ],
  [/no permissions boundary allows/, (deed) => `nothing allows it, ${deed.blamed}`],
];

/** Who else can say no: of the server, or of the whole account. */
const KEEPERS: readonly (readonly [RegExp, (user: string) => string])[] = [
  [/service control policy/, () => "in a service control policy of the organization: its administrators can change it"],
  [
    /resource control policy/,
    () => "in a resource control policy of the role's organization: its administrators can change it",
  ],
  [/permissions boundary/, (user) => `in the permissions boundary of ${user}`],
  [/session policy/, (user) => `in the session policy with which ${user} was itself assumed`],
  [/VPC endpoint policy/, () => "in the policy of the VPC endpoint that the server reaches STS by"],
];

interface Deed {
  /** Name of the role that was to be assumed. */
  readonly role: string;
  readonly roleArn: string;
  /** ARN of the server's principal as a policy names it. */
  readonly user: string;
  readonly action: string;
  readonly externalId: string | undefined;
  readonly blamed: string;
}

/** A sentence in brackets, with a space before it; empty when STS's words tell nothing. */
export function explainDenial(message: string, { roleArn, externalId }: DeniedRequest): string {
  if (/root accounts/i.test(message)) {
    return " (the server runs with the keys of an account's root user, which can assume no role: give it a role or an IAM user)";
  }
  const [, caller, action, resource = roleArn, reason = ""] = DENIED.exec(message) ?? [];
  if (caller === undefined || action === undefined) return "";
  const user = principalOf(caller);
  const role = parseRoleArn(resource)?.name ?? resource;
  const blamed = KEEPERS.find(([words]) => words.test(reason))?.[1](user) ?? "";
  const deed = { role, roleArn: resource, user, action, externalId, blamed };
  const known = BLAMED.find(([words]) => words.test(reason));
  return ` (${known ? known[1](deed) : likeliest(deed)})`;
}

/** STS named no policy: the likeliest first. */
function likeliest(deed: Deed): string {
  const [own, other] = [deed.user, deed.roleArn].map((arn) => arn.split(":")[1]);
  if (own !== other) {
    return `the server is in partition ${own} and the role in ${other}: no role can be assumed across partitions`;
  }
  if (deed.action !== "sts:AssumeRole") {
    return `${NEEDED_BY[deed.action] ?? "this action is needed"}: ${trustPolicy(deed)}; the server's own policy must allow ${deed.action} too`;
  }
  const condition =
    deed.externalId === undefined
      ? "; if it has a condition on sts:ExternalId, annotate the pod with iam.amazonaws.com/external-id"
      : "; a condition on sts:ExternalId must name this pod's external id";
  return `${trustPolicy(deed)}${condition}; the server's own policy must allow sts:AssumeRole on the role too; a role that does not exist looks the same`;
}

const NEEDED_BY: Readonly<Record<string, string>> = {
  "sts:TagSession": "session tags are on",
  "sts:SetSourceIdentity": "the source identity is on",
};

function trustPolicy({ role, user, action }: Deed): string {
  const actions = action === "sts:AssumeRole" ? action : ["sts:AssumeRole", action];
  return `the trust policy of ${role} must allow ${action} to ${user}, such as ${statement({ Principal: { AWS: user }, Action: actions })}`;
}

function ownPolicy({ user, action, roleArn }: Deed): string {
  return `${user} itself lacks ${action} in its own policies, such as ${statement({ Action: action, Resource: roleArn })}`;
}

function statement(parts: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ Effect: "Allow", ...parts });
}

/** A session of a role acts for the role: that is what a policy names. (The session's ARN lacks the role's path.) */
function principalOf(caller: string): string {
  const [, partition, account, name] = /^arn:([\w-]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(caller) ?? [];
  return name === undefined ? caller : `arn:${partition}:iam::${account}:role/${name}`;
}
