// The instance profile of the EC2 instance that the server runs on, by the instance metadata service, version 2 first.
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html, iam/info)

export interface InstanceProfileOptions {
  /** "http://169.254.169.254" or "http://[fd00:ec2::254]" */
  readonly endpoint: string;
  /** For each of the two requests: outside EC2 nothing answers. */
  readonly timeoutMs: number;
}

/** "arn:aws:iam::123456789012:instance-profile/name". Throws RangeError or what `fetch` throws. */
export async function readInstanceProfileArn(
  { fetch }: { readonly fetch: typeof globalThis.fetch },
  { endpoint, timeoutMs }: InstanceProfileOptions,
): Promise<string> {
  const at = (path: string) => new URL(path, endpoint);
  const grant = await fetch(at("/latest/api/token"), {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!grant.ok) throw new RangeError(`the instance metadata service gave no token: HTTP ${grant.status}`);
  const answer = await fetch(at("/latest/meta-data/iam/info"), {
    headers: { "x-aws-ec2-metadata-token": await grant.text() },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!answer.ok) throw new RangeError(`the instance has no profile: HTTP ${answer.status} for iam/info`);
  const { InstanceProfileArn: arn } = (await answer.json()) as { readonly InstanceProfileArn?: unknown };
  if (typeof arn !== "string") throw new RangeError("the instance metadata service named no InstanceProfileArn");
  return arn;
}
