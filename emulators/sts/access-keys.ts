// The keys of the STS emulator: long-term ones from its options, and those of sessions that it issued. States of a
// session: live → expired (kept, so that the response can be ExpiredToken) → dropped (the oldest, beyond a limit). A
// session also ends when its role is removed: it is bound to the role's unique ID, which a later role of the same name
// does not inherit.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_temp.html)
import { createHash, randomBytes } from "node:crypto";
import { Secret } from "../../src/runtime/secret.ts";
import { base32, type Caller, type StsTag } from "./caller.ts";
import type { Role } from "./roles.ts";

/** An IAM user's access key, or any other long-term key. */
export interface LongTermKey {
  readonly accessKeyId: string;
  readonly secretAccessKey: Secret;
  /** For example "arn:aws:iam::123456789012:user/podrole". */
  readonly arn: string;
}

interface StoredCredential {
  readonly secretAccessKey: Secret;
  readonly sessionToken: Secret | undefined;
  /** Unix milliseconds; undefined for long-term keys. */
  readonly expiresAt: number | undefined;
  readonly caller: Caller;
}

/** The credentials of a session, with its token. */
export interface IssuedSession extends StoredCredential {
  readonly sessionToken: Secret;
  readonly expiresAt: number;
}

interface SessionRequest {
  readonly role: Role;
  readonly sessionName: string;
  readonly expiresAt: number;
  readonly sourceIdentity?: string | undefined;
  readonly transitiveTags?: readonly StsTag[];
}

/** All keys, by access key ID. */
export interface AccessKeys {
  find(accessKeyId: string): StoredCredential | undefined;
  issue(request: SessionRequest): IssuedSession;
}

/** Enough for a long test; beyond it the oldest sessions look like unknown keys. */
const MAX_SESSIONS = 20_000;

/** Creates a store of these long-term keys, without sessions. */
export function createAccessKeys(keys: readonly LongTermKey[]): AccessKeys {
  const longTerm = new Map(keys.map((key) => [key.accessKeyId, storedKey(key)]));
  const sessions = new Map<string, IssuedSession>();

  return {
    find(accessKeyId) {
      return sessions.get(accessKeyId) ?? longTerm.get(accessKeyId);
    },
    issue({ role, sessionName, expiresAt, sourceIdentity, transitiveTags = [] }) {
      const accessKeyId = `ASIA${base32(randomBytes(10))}`;
      const issued: IssuedSession = {
        secretAccessKey: new Secret(randomBytes(30).toString("base64")),
        // Real tokens start with this text and have several hundred characters.
        sessionToken: new Secret(`IQoJb3JpZ2luX2Vj${randomBytes(525).toString("base64")}`),
        expiresAt,
        caller: {
          accessKeyId,
          // The session's ARN contains the role's name but not its path.
          arn: `arn:${role.partition}:sts::${role.account}:assumed-role/${role.name}/${sessionName}`,
          userId: `${role.id}:${sessionName}`,
          account: role.account,
          session: { roleArn: role.arn, roleId: role.id, sourceIdentity, transitiveTags },
        },
      };
      sessions.set(accessKeyId, issued);
      for (const oldest of sessions.keys()) {
        if (sessions.size <= MAX_SESSIONS) break;
        sessions.delete(oldest);
      }
      return issued;
    },
  };
}

function storedKey({ accessKeyId, secretAccessKey, arn }: LongTermKey): StoredCredential {
  const account = arn.split(":")[4];
  if (account === undefined || !/^\d{12}$/.test(account)) {
    throw new Error(`Cannot use the key of "${arn}": it is not an ARN with an account`);
  }
  const userId = `AIDA${base32(createHash("sha256").update(arn).digest()).slice(0, 17)}`;
  return {
    secretAccessKey,
    sessionToken: undefined,
    expiresAt: undefined,
    caller: { accessKeyId, arn, userId, account },
  };
}
