// The server's own credentials from a program, such as the helper of IAM Roles Anywhere. The SDKs' credential_process, but
// run without a shell: the server's image has none, and nothing has to be quoted.
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html)
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Clock } from "../../runtime/clock.ts";

export interface ProcessCredentialsOptions {
  /** The program and its arguments. */
  readonly command: readonly string[];
  readonly timeoutMs: number;
}

/** In the SDK's shape; the SDK asks again shortly before `expiration`. */
export interface ProcessCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/**
 * Runs the program at each call. Throws RangeError: the message names the program alone, because it may reach pods; what
 * it printed to stderr is in the cause. What it printed to stdout is a secret and in neither.
 */
export function createProcessCredentials(
  { clock }: { readonly clock: Clock },
  { command: [program = "", ...words], timeoutMs }: ProcessCredentialsOptions,
): () => Promise<ProcessCredentials> {
  const run = promisify(execFile);
  const failed = (state: string, options?: ErrorOptions) =>
    new RangeError(`Cannot use --credential-process ${program}: ${state}`, options);

  return async () => {
    const { stdout } = await run(program, words, { timeout: timeoutMs }).catch((error: Failure) => {
      const { code, killed, stderr = "" } = error;
      const state = killed ? "it did not end in time" : `it failed with ${code}`;
      throw failed(state, { cause: new RangeError(stderr.trim().slice(0, 1_000) || error.message) });
    });
    const { Version, AccessKeyId, SecretAccessKey, SessionToken, Expiration } = parse(stdout) ?? {};
    if (Version !== 1) throw failed("it did not print JSON with Version 1");
    if (!isText(AccessKeyId) || !isText(SecretAccessKey)) throw failed("it printed no AccessKeyId or SecretAccessKey");
    const expiresAt = isText(Expiration) ? Date.parse(Expiration) : undefined;
    if (Number.isNaN(expiresAt)) throw failed("its Expiration is not a time, wanted RFC 3339");
    if (expiresAt !== undefined && expiresAt <= clock.now()) throw failed("what it printed has expired");
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(isText(SessionToken) && { sessionToken: SessionToken }),
      ...(expiresAt !== undefined && { expiration: new Date(expiresAt) }),
    };
  };
}

interface Failure extends Error {
  readonly code?: number | string;
  readonly killed?: boolean;
  readonly stderr?: string;
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
