// The server's own credentials from a program, such as the credential helper of IAM Roles Anywhere. Same protocol as
// the SDKs' credential_process, but run without a shell: the server's image has none, and nothing needs quoting.
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-process-credentials.html)
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Clock } from "../../runtime/clock.ts";
import { parseObject } from "../../runtime/json-object.ts";

export interface ProcessCredentialsOptions {
  /** The program, then its arguments. */
  readonly command: readonly string[];
  /** The program is killed after this. */
  readonly timeoutMs: number;
}

/** In the SDK's shape; the SDK requests new ones shortly before `expiration`. */
export interface ProcessCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/**
 * Returns a provider that runs the program at each call. It rejects with an Error whose message names only the program,
 * because pods may see it; the program's stderr is in the cause. Its stdout is secret and in neither.
 */
export function createProcessCredentials(
  { clock }: { readonly clock: Clock },
  { command: [program = "", ...args], timeoutMs }: ProcessCredentialsOptions,
): () => Promise<ProcessCredentials> {
  const run = promisify(execFile);
  const failed = (state: string, options?: ErrorOptions) =>
    new Error(`Cannot use --credential-process ${program}: ${state}`, options);

  return async () => {
    const { stdout } = await run(program, args, { timeout: timeoutMs, killSignal: "SIGKILL" }).catch(
      (error: ProcessFailure) => {
        const { code, killed, stderr = "" } = error;
        const state = killed ? `it did not end within ${timeoutMs} ms` : `it failed with ${code}`;
        throw failed(state, { cause: new Error(stderr.trim().slice(0, 1_000) || error.message) });
      },
    );
    const { Version, AccessKeyId, SecretAccessKey, SessionToken, Expiration } = parseObject(stdout) ?? {};
    if (Version !== 1)
      throw failed("it did not print JSON with Version 1; expected the output of a credential_process");
    if (!isText(AccessKeyId) || !isText(SecretAccessKey))
      throw failed("it printed no AccessKeyId or SecretAccessKey; expected both");
    const expiresAtMs = isText(Expiration) ? Date.parse(Expiration) : undefined;
    if (Number.isNaN(expiresAtMs)) throw failed("its Expiration is not a time; expected RFC 3339");
    if (expiresAtMs !== undefined && expiresAtMs <= clock.now())
      throw failed("the credentials that it printed have expired; expected valid ones");
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      ...(isText(SessionToken) && { sessionToken: SessionToken }),
      ...(expiresAtMs !== undefined && { expiration: new Date(expiresAtMs) }),
    };
  };
}

interface ProcessFailure extends Error {
  readonly code?: number | string;
  readonly killed?: boolean;
  readonly stderr?: string;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value !== "";
}
