// Reads the instance profile of the EC2 instance that the server runs on from its instance metadata service, version 2.
// (https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-categories.html, iam/info)

export interface InstanceProfileOptions {
  /** "http://169.254.169.254" or "http://[fd00:ec2::254]". */
  readonly endpoint: string;
  /** For each of the two requests: outside EC2 nothing answers. */
  readonly timeoutMs: number;
}

/**
 * Resolves with an ARN such as "arn:aws:iam::123456789012:instance-profile/name". Rejects with an Error if the service
 * answers without one, else as `fetch` does.
 */
export async function readInstanceProfileArn(
  { fetch }: { readonly fetch: typeof globalThis.fetch },
  { endpoint, timeoutMs }: InstanceProfileOptions,
): Promise<string> {
  const at = (path: string) => new URL(path, endpoint);
  const session = await fetch(at("/latest/api/token"), {
    method: "PUT",
    headers: { "x-aws-ec2-metadata-token-ttl-seconds": "60" },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!session.ok) throw profileUnreadable(`the instance metadata service returned no token (HTTP ${session.status})`);
  const info = await fetch(at("/latest/meta-data/iam/info"), {
    headers: { "x-aws-ec2-metadata-token": await session.text() },
    signal: AbortSignal.timeout(timeoutMs),
  });
  if (!info.ok) throw profileUnreadable(`the instance has no profile (HTTP ${info.status} for iam/info)`);
  const { InstanceProfileArn: arn } = (await info.json()) as { readonly InstanceProfileArn?: unknown };
  if (typeof arn !== "string") throw profileUnreadable("iam/info has no InstanceProfileArn");
  return arn;
}

function profileUnreadable(state: string): Error {
  return new Error(`Cannot read the instance profile: ${state}; expected an ARN`);
}
