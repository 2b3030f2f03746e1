// How refusals cross the wire: the code as metadata, the gRPC status from the error table, the text as details. Also
// the one mapper of grpc-js errors: nothing else in podrole reads a gRPC status.
import { Metadata, type ServiceError, type StatusObject, status } from "@grpc/grpc-js";
import { jitter } from "../runtime/clock.ts";
import { connectionProblemIn } from "../runtime/connection-problem.ts";
import { ERRORS, isErrorCode, PodroleError, UnreachableError } from "./errors.ts";

const CODE_KEY = "podrole-code";
const RETRY_AFTER_KEY = "podrole-retry-after-ms";

/** Returns the status of a refused call. It contains the message and never the cause, which stays in this process. */
export function toStatus(error: PodroleError): Partial<StatusObject> {
  const metadata = new Metadata();
  metadata.set(CODE_KEY, error.code);
  if (error.retryAfterMs !== undefined) metadata.set(RETRY_AFTER_KEY, String(Math.ceil(error.retryAfterMs)));
  return { code: status[ERRORS[error.code].grpc], details: error.message, metadata };
}

/**
 * In milliseconds, varied by ±50 %: a server that has no room for another handshake closes the connection, and cannot
 * say when to retry.
 */
const CLOSED_RETRY_AFTER_MS = 2_000;

/**
 * Returns the server's refusal if it sent one, SERVER_UNTRUSTED if its certificate does not verify, SERVER_OVERLOADED
 * if it closed the connection before TLS was up, otherwise SERVER_UNREACHABLE: no connection, another failure of the
 * TLS handshake, an exceeded deadline, or a status that something between client and server generated. `target`:
 * host:port for the message.
 */
export function fromServiceError(error: ServiceError, target: string, handshake: Handshake = {}): PodroleError {
  const code = firstOf(error.metadata, CODE_KEY);
  if (code !== undefined && isErrorCode(code)) {
    const retryAfterMs = Number(firstOf(error.metadata, RETRY_AFTER_KEY));
    return new PodroleError(code, error.details, Number.isFinite(retryAfterMs) ? { retryAfterMs } : {});
  }
  const { wasSecured = false, certificateProblem, wasReset = false } = handshake;
  if (certificateProblem !== undefined && !wasSecured) {
    const state = `its certificate does not verify (${certificateProblem})`;
    const expected = "expected a valid one for the server's name, by a CA of the trust bundle";
    return new PodroleError("SERVER_UNTRUSTED", `Cannot trust podrole's server at ${target}: ${state}; ${expected}`, {
      cause: error,
    });
  }
  if (wasReset && !wasSecured && error.code === status.UNAVAILABLE) {
    const message = `Cannot reach podrole's server at ${target}: it closed the connection before the TLS handshake had ended, as an overloaded server does`;
    return new PodroleError("SERVER_OVERLOADED", message, {
      cause: error,
      retryAfterMs: jitter(CLOSED_RETRY_AFTER_MS, 0.5),
    });
  }
  const state = error.code === status.DEADLINE_EXCEEDED ? "no response within the deadline" : stateOf(error.details);
  const message = `Cannot reach podrole's server at ${target}: ${state}`;
  return new UnreachableError(message, { cause: error, wasDropped: wasSecured && error.code === status.UNAVAILABLE });
}

/**
 * In kubectl's words if the text of grpc-js has a known code. Of any other text, what grpc-js says about its own work
 * is removed: "No connection established. Last error: null. Resolution note: ".
 */
function stateOf(details: string): string {
  if (details.startsWith("Name resolution failed")) return "no such host";
  const known = connectionProblemIn(details);
  if (known !== undefined) return known;
  const [, last = details] = /Last error: (.*?)\.?\s*(?:Resolution note:.*)?$/s.exec(details) ?? [];
  return last === "" || last === "null" ? "no connection" : last;
}

/** How far the TLS handshake of a call came, as the client saw it. */
export interface Handshake {
  readonly wasSecured?: boolean;
  /** OpenSSL's or Node's code of what is wrong with the server's certificate, such as "SELF_SIGNED_CERT_IN_CHAIN". */
  readonly certificateProblem?: string | undefined;
  /** True if the peer closed the connection during the handshake. */
  readonly wasReset?: boolean;
}

/** Metadata is absent if the call failed before a response arrived. */
function firstOf(metadata: Metadata | undefined, key: string): string | undefined {
  return metadata?.get(key)[0]?.toString();
}
