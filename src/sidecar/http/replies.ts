// Replies of the credentials endpoint as bytes: credentials once for each renewal, refusals when they happen. The bodies
// follow the container credentials provider of the AWS SDKs
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).
import { ERRORS, type Refusal } from "../../protocol/errors.ts";
import type { Granted } from "../grants.ts";

/** `headers` are pairs in one flat array, as `writeHead` takes them. */
export interface Reply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Buffer;
}

export function credentialsReply(credentials: Granted): Reply {
  const body = JSON.stringify({
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey.reveal(),
    Token: credentials.sessionToken.reveal(),
    Expiration: formatTime(credentials.expiresAtMs),
    AccountId: credentials.accountId,
    RoleArn: credentials.roleArn,
  });
  return reply(200, body, []);
}

/** `extra`: further headers, as pairs in one flat array. */
export function refusalReply({ code, message }: Refusal, extra: readonly string[] = []): Reply {
  // SDKs differ in which case they read.
  const body = JSON.stringify({ code, message, Code: code, Message: message });
  return reply(ERRORS[code].http, body, extra);
}

/** Whole seconds and an upper-case Z: fractions or offsets fail in one SDK or another. Rounded down, never up. */
export function formatTime(unixMs: number): string {
  return `${new Date(unixMs).toISOString().slice(0, 19)}Z`;
}

/** Of the metadata paths, JSON included: EC2 calls everything text. */
export function textReply(status: number, text: string, extra: readonly string[] = []): Reply {
  return reply(status, text, extra, "text/plain");
}

function reply(status: number, text: string, extra: readonly string[], type = "application/json"): Reply {
  const body = Buffer.from(text);
  const headers = [
    // Without a charset: Go v2 reads the code of an error only from exactly this type.
    "Content-Type",
    type,
    "Content-Length",
    String(body.length),
    "Cache-Control",
    "no-store",
    ...extra,
  ];
  return { status, headers, body };
}
