// How refusals cross the wire: the code as metadata, the gRPC status from the error table, the text for people. The one
// mapper for what grpc-js throws stands here too; nothing else in podrole reads a gRPC status.
import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { ERRORS, isErrorCode, PodroleError } from "./errors.ts";

const CODE = "podrole-code";
const RETRY_AFTER = "podrole-retry-after-ms";

/** The status of a refused call. The cause stays here: only the message is made for the other side. */
export function toStatus(error: PodroleError): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set(CODE, error.code);
  if (error.retryAfterMs !== undefined) metadata.set(RETRY_AFTER, String(Math.ceil(error.retryAfterMs)));
  return { code: status[ERRORS[error.code].grpc], details: error.message, metadata };
}

/**
 * What a failed call means to the caller: the server's own refusal when it sent one, otherwise SERVER_UNREACHABLE
 * (no connection, failed TLS handshake, deadline, or a status that something between us made up).
 */
export function fromServiceError(error: ServiceError, target: string): PodroleError {
  const code = firstOf(error.metadata, CODE);
  if (code !== undefined && isErrorCode(code)) {
    const retryAfterMs = Number(firstOf(error.metadata, RETRY_AFTER));
    return new PodroleError(code, error.details, Number.isFinite(retryAfterMs) ? { retryAfterMs } : {});
  }
  const state = error.code === status.DEADLINE_EXCEEDED ? "no answer in time" : error.details;
  return new PodroleError("SERVER_UNREACHABLE", `Cannot reach podrole's server at ${target}: ${state}`, {
    cause: error,
  });
}

/** Metadata is absent when the call failed before any answer arrived. */
function firstOf(metadata: Metadata | undefined, key: string): string | undefined {
  return metadata?.get(key)[0]?.toString();
}
