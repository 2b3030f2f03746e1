// What the metadata paths say about a role, from the credentials at hand. Pretty-printed as at EC2, because scripts read
// it line by line. What podrole does not know is left out.
import type { Granted } from "../../grants.ts";
import { formatTime } from "../replies.ts";

/** Without its path, as IAM names the role of an instance. */
export function roleName({ roleArn }: Pick<Granted, "roleArn">): string {
  return roleArn.slice(roleArn.lastIndexOf("/") + 1);
}

/** By its name, as EC2 has it, or as an annotation may write it: kiam's clients asked for that, an ARN included. */
export function namesRole(asked: string, { roleArn }: Pick<Granted, "roleArn">): boolean {
  const name = decode(asked).replace(/^\//, "");
  return name === roleArn || name === roleName({ roleArn }) || name === roleArn.slice(roleArn.indexOf("/") + 1);
}

/** IAM's names have characters that some clients escape. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

export function roleCredentials(role: Granted): string {
  return json({
    Code: "Success",
    LastUpdated: formatTime(role.issuedAtMs),
    Type: "AWS-HMAC",
    AccessKeyId: role.accessKeyId,
    SecretAccessKey: role.secretAccessKey.reveal(),
    Token: role.sessionToken.reveal(),
    Expiration: formatTime(role.expiresAtMs),
  });
}

/** There is no instance profile: tools that look for the account find it at the same place of the role's ARN. */
export function roleInfo({ issuedAtMs, roleArn }: Granted): string {
  return json({ Code: "Success", LastUpdated: formatTime(issuedAtMs), InstanceProfileArn: roleArn });
}

/** Region and zone are left out when they are undefined. */
export function identityDocument(
  { accountId }: Granted,
  region: string | undefined,
  availabilityZone: string | undefined,
): string {
  return json({ accountId, availabilityZone, region });
}

function json(value: Readonly<Record<string, string | undefined>>): string {
  return JSON.stringify(value, null, 2);
}
