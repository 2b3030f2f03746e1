// The caller of a request to the STS emulator, and the identifiers of AWS principals.
// (https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html#identifiers-unique-ids)

/** A session tag, as AssumeRole receives it. */
export interface StsTag {
  readonly key: string;
  readonly value: string;
}

/** A principal as GetCallerIdentity describes it. */
export interface Caller {
  readonly accessKeyId: string;
  /**
   * For example "arn:aws:iam::123456789012:user/podrole" or "arn:aws:sts::123456789012:assumed-role/podrole/session".
   */
  readonly arn: string;
  readonly userId: string;
  readonly account: string;
  /** Only for sessions: the role, and the values that chained sessions inherit. */
  readonly session?: {
    readonly roleArn: string;
    readonly roleId: string;
    readonly sourceIdentity: string | undefined;
    readonly transitiveTags: readonly StsTag[];
  };
}

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/** Upper-case letters and digits, as in AWS's identifiers; five bits per character. */
export function base32(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  return (bits.match(/.{5}/g) ?? []).map((group) => BASE32[Number.parseInt(group, 2)]).join("");
}
