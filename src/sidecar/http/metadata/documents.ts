// Documents of the metadata paths, from the role's credentials. Pretty-printed as on EC2, because scripts read them
// line by line. Facts that podrole does not know are omitted.

import { formatSeconds } from "../../../runtime/clock.ts";
import type { Credentials } from "../../grants.ts";

/** Returns the role's name without its path, as EC2 lists the role of an instance. */
export function roleName({ roleArn }: Pick<Credentials, "roleArn">): string {
  return roleArn.slice(roleArn.lastIndexOf("/") + 1);
}

/**
 * Reports whether the request names this role: by its name, as on EC2, or by its path and name or its ARN, which kiam's
 * clients request because annotations may contain them.
 */
export function namesRole(requested: string, { roleArn }: Pick<Credentials, "roleArn">): boolean {
  const name = decodeRoleName(requested).replace(/^\//, "");
  return name === roleArn || name === roleName({ roleArn }) || name === roleArn.slice(roleArn.indexOf("/") + 1);
}

/** Role names contain characters that some clients percent-encode. */
function decodeRoleName(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Returns the role's credentials, secret values included. */
export function roleCredentials(role: Credentials): string {
  return jsonDocument({
    Code: "Success",
    LastUpdated: formatSeconds(role.issuedAtMs),
    Type: "AWS-HMAC",
    AccessKeyId: role.accessKeyId,
    SecretAccessKey: role.secretAccessKey.reveal(),
    Token: role.sessionToken.reveal(),
    Expiration: formatSeconds(role.expiresAtMs),
  });
}

/**
 * Returns the role's ARN as that of an instance profile: there is none, and tools read the account from the same
 * position.
 */
export function roleInfo({ issuedAtMs, roleArn }: Credentials): string {
  return jsonDocument({ Code: "Success", LastUpdated: formatSeconds(issuedAtMs), InstanceProfileArn: roleArn });
}

/** Returns account, region and zone; an undefined region or zone is omitted. */
export function identityDocument(
  { accountId }: Credentials,
  region: string | undefined,
  availabilityZone: string | undefined,
): string {
  return jsonDocument({ accountId, availabilityZone, region });
}

function jsonDocument(value: Readonly<Record<string, string | undefined>>): string {
  return JSON.stringify(value, null, 2);
}
