// Explains an AccessDenied of AssumeRole from STS's message: its most likely cause and the policy statement that is
// missing. STS names the policy only if all of them belong to the server's account; for a role of another account it
// only says that the call is denied.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html)
import type { AssumeRoleInput } from "../../policy/decide.ts";
import { baseArnOfAccount, parseRoleArn } from "../../policy/role.ts";

/** The fields of a denied AssumeRole input that decide which policies apply. */
export type DeniedRequest = Pick<AssumeRoleInput, "roleArn" | "externalId">;

const DENIED_MESSAGE = /^User: (\S+) is not authorized to perform: (sts:\w+)(?: on resource: (\S+))?(?: (.+))?$/s;

/** Reasons in STS's messages, and their explanation. The first match applies. */
const DENIAL_EXPLANATIONS: readonly (readonly [RegExp, (call: DeniedCall) => string])[] = [
  [
    /explicit deny in (a|an|the) role trust policy/,
    ({ role }) => `the trust policy of ${role} has a Deny that matches`,
  ],
  [/explicit deny in an identity-based policy/, ({ user }) => `a policy of ${user} has a Deny that matches`],
  [/explicit deny in (a|an|the) ([\w -]+ policy|permissions boundary)/, ({ policy }) => `a Deny matches, ${policy}`],
  [/no identity-based policy allows/, ownPolicy],
  [/no role trust policy allows/, trustPolicy],
  [
    /no (service control|resource control|session|VPC endpoint) policy allows/,
    ({ policy }) => `nothing allows it, ${policy}`,
  ],
  [/no permissions boundary allows/, ({ policy }) => `nothing allows it, ${policy}`],
];

/** Policies other than the role's and the server's own, and where they are. */
const OTHER_POLICIES: readonly (readonly [RegExp, (user: string) => string])[] = [
  [/service control policy/, () => "in a service control policy of the organization: its administrators can change it"],
  [
    /resource control policy/,
    () => "in a resource control policy of the role's organization: its administrators can change it",
  ],
  [/permissions boundary/, (user) => `in the permissions boundary of ${user}`],
  [/session policy/, (user) => `in the session policy with which ${user} was itself assumed`],
  [/VPC endpoint policy/, () => "in the policy of the VPC endpoint through which the server reaches STS"],
];

/** A denied call, as the message of STS describes it. */
interface DeniedCall {
  /** Name of the role. */
  readonly role: string;
  readonly roleArn: string;
  /** ARN of the server's principal as a policy names it. */
  readonly user: string;
  /** "sts:AssumeRole", "sts:TagSession" or "sts:SetSourceIdentity". */
  readonly action: string;
  readonly externalId: string | undefined;
  /** Where the policy is that denies; empty if STS names none of OTHER_POLICIES. */
  readonly policy: string;
}

const ROOT_USER =
  "the server runs with the keys of an account's root user, which can assume no role: give it a role or an IAM user";

/**
 * Returns STS's `message` with the explanation in parentheses; the message itself if it has an unknown form. Policies
 * name the server's role, so its session is not named beside it: the explanation has the one principal to trust.
 */
export function describeDenial(message: string, { roleArn, externalId }: DeniedRequest): string {
  if (/root accounts/i.test(message)) return `${message} (${ROOT_USER})`;
  const [, caller, action, resource = roleArn, reason = ""] = DENIED_MESSAGE.exec(message) ?? [];
  if (caller === undefined || action === undefined) return message;
  const user = principalOf(caller);
  const role = parseRoleArn(resource)?.name ?? resource;
  const policy = OTHER_POLICIES.find(([pattern]) => pattern.test(reason))?.[1](user) ?? "";
  const call = { role, roleArn: resource, user, action, externalId, policy };
  const known = DENIAL_EXPLANATIONS.find(([pattern]) => pattern.test(reason));
  const explanation = known ? known[1](call) : possibleCauses(call);
  const denied = explanation.includes(user) ? "podrole's server" : `User: ${caller}`;
  const place = resource === roleArn ? "" : ` on resource: ${resource}`;
  return `${denied} is not authorized to perform: ${action}${place}${reason && ` ${reason}`} (${explanation})`;
}

/** For a message that names no policy: what may be wrong, in the order in which an operator finds it out. */
function possibleCauses(call: DeniedCall): string {
  const [own, other] = [call.user, call.roleArn].map((arn) => arn.split(":")[1]);
  if (own !== other) {
    return `the server is in partition ${own} and the role in ${other}: AssumeRole does not work across partitions`;
  }
  if (call.action !== "sts:AssumeRole") {
    return `${NEEDED_BY[call.action] ?? "this action is needed"}: ${trustPolicy(call)}; the server's own policy must allow ${call.action} too`;
  }
  const { role, user, externalId } = call;
  const statement = policyStatement({ Principal: { AWS: user }, Action: call.action });
  const sent =
    externalId === undefined
      ? "the pod has no annotation iam.amazonaws.com/external-id"
      : "it is not the external id of this pod";
  return `STS does not say why: role ${role} does not exist; or its trust policy has no statement for ${user}, such as ${statement}; or that policy has a condition on sts:ExternalId, and ${sent}; or the server's own policy does not allow ${call.action} on the role`;
}

const NEEDED_BY: Readonly<Record<string, string>> = {
  "sts:TagSession": "session tags are on",
  "sts:SetSourceIdentity": "the source identity is on",
};

function trustPolicy({ role, user, action }: DeniedCall): string {
  const actions = action === "sts:AssumeRole" ? action : ["sts:AssumeRole", action];
  return `the trust policy of ${role} must allow ${action} to ${user}, such as ${policyStatement({ Principal: { AWS: user }, Action: actions })}`;
}

function ownPolicy({ user, action, roleArn }: DeniedCall): string {
  return `${user} itself lacks ${action} in its own policies, such as ${policyStatement({ Action: action, Resource: roleArn })}`;
}

function policyStatement(parts: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ Effect: "Allow", ...parts });
}

/** The principal that a policy names: for a role session, the role. (The session's ARN lacks the role's path.) */
function principalOf(caller: string): string {
  const [, partition, account, name] = /^arn:([\w-]+):sts::(\d+):assumed-role\/([^/]+)\//.exec(caller) ?? [];
  return name === undefined || account === undefined ? caller : `${baseArnOfAccount(account, partition)}${name}`;
}
