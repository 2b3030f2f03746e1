// Replies of the credentials endpoint as bytes: for credentials built once per renewal, for refusals when they occur.
// The bodies follow the container credentials provider of the AWS SDKs
// (https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html).

import { ERRORS, type ErrorCode, type ErrorInfo } from "../../protocol/errors.ts";
import { formatSeconds } from "../../runtime/clock.ts";
import type { Credentials } from "../grants.ts";

/**
 * A response. `headers`: names and values in one flat array, as `writeHead` accepts them. The body is a text, because
 * Node writes a text together with the headers, and bytes after them.
 */
export interface Reply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: string;
}

/** A reply, and what is counted and logged about it. */
export interface CodedReply {
  readonly reply: Reply;
  readonly code: ErrorCode | "OK";
  /** Why the request is refused, for the log; absent: no log line. */
  readonly reason?: string;
}

/** Returns a reply that requires credentials, or undefined while there are none. */
export type Lookup = () => CodedReply | undefined;

/** Returns the reply with a container's credentials, secret values included. */
export function credentialsReply(credentials: Credentials): Reply {
  const body = JSON.stringify({
    AccessKeyId: credentials.accessKeyId,
    SecretAccessKey: credentials.secretAccessKey.reveal(),
    Token: credentials.sessionToken.reveal(),
    // Whole seconds and an upper-case Z: some SDK fails on fractions or offsets.
    Expiration: formatSeconds(credentials.expiresAtMs),
    AccountId: credentials.accountId,
    RoleArn: credentials.roleArn,
  });
  return createReply(200, body, []);
}

/**
 * Returns the reply with the refusal's code and message, and the code's HTTP status. `extra`: further headers, flat.
 */
export function refusalReply({ code, message }: ErrorInfo, extra: readonly string[] = []): Reply {
  // SDKs differ in the case of the names that they read.
  const body = JSON.stringify({ code, message, Code: code, Message: message });
  return createReply(ERRORS[code].http, body, extra);
}

/**
 * Returns a reply of the metadata paths, JSON included: EC2 labels everything text/plain. `extra`: further headers,
 * flat.
 */
export function textReply(status: number, text: string, extra: readonly string[] = []): Reply {
  return createReply(status, text, extra, "text/plain");
}

function createReply(status: number, text: string, extra: readonly string[], type = "application/json"): Reply {
  const headers = [
    // Without a charset: Go v2 reads the code of an error from exactly this type only.
    "Content-Type",
    type,
    "Content-Length",
    String(Buffer.byteLength(text)),
    "Cache-Control",
    "no-store",
    ...extra,
  ];
  return { status, headers, body: text };
}
