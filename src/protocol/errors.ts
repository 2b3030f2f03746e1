// Refusals as values and as exceptions. Each has a code of the error table (error-table.ts), by which programs decide.
import { ERRORS } from "./error-table.ts";

export type { ErrorRow } from "./error-row.ts";
export { ERRORS } from "./error-table.ts";

/** A key of the error table. */
export type ErrorCode = keyof typeof ERRORS;

/** Reports whether a text is a key of the error table. */
export function isErrorCode(text: string): text is ErrorCode {
  return Object.hasOwn(ERRORS, text);
}

/** Returns INTERNAL for a code that a newer server or sidecar uses and this version does not know. */
export function toErrorCode(code: string): ErrorCode {
  return isErrorCode(code) ? code : "INTERNAL";
}

/** An error of the table as it is written and sent: to logs, Events, SDKs, and other programs of podrole. */
export interface ErrorInfo {
  readonly code: ErrorCode;
  /** `Cannot <do>: <state>; expected <what>`, without a full stop. It may reach the pod, so it contains no secret. */
  readonly message: string;
}

/**
 * Returns one line for people, "CODE: message -- remedy", of at most `maxBytes` bytes: a long message is cut, never the
 * remedy.
 */
export function withRemedy({ code, message }: ErrorInfo, maxBytes: number): string {
  const remedy = ` -- ${ERRORS[code].remedy}`;
  const head = `${code}: ${message}`;
  const available = maxBytes - Buffer.byteLength(remedy);
  if (Buffer.byteLength(head) <= available) return head + remedy;
  // Three bytes for "...", three because half a character decodes to U+FFFD, which has three bytes.
  return `${Buffer.from(head).toString("utf8", 0, available - 6)}...${remedy}`;
}

/** Marks refusals. A symbol, because JSON and logs leave it out. */
const REFUSAL: unique symbol = Symbol("podrole.refusal");

/**
 * A refusal as a value: what a function returns instead of its result. refuse() makes one, isRefusal() recognizes it.
 */
export interface Refusal extends ErrorInfo {
  readonly [REFUSAL]: true;
}

/** Makes a refusal with a code of the table. */
export function refuse(code: ErrorCode, message: string): Refusal {
  return { [REFUSAL]: true, code, message };
}

/** Reports whether a result is a refusal or a PodroleError; no other value is, whatever its fields are. */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && REFUSAL in value;
}

/** `retryAfterMs`: milliseconds that the origin asked callers to wait. */
export interface PodroleErrorOptions extends ErrorOptions {
  readonly retryAfterMs?: number;
}

/**
 * A refusal as an exception. `message` may reach the pod; what must not reach it belongs in `cause`, for the log only.
 */
export class PodroleError extends Error implements Refusal {
  override readonly name = "PodroleError";
  readonly code: ErrorCode;
  /** Milliseconds that the origin asked callers to wait. */
  readonly retryAfterMs: number | undefined;

  get [REFUSAL](): true {
    return true;
  }

  constructor(code: ErrorCode, message: string, options: PodroleErrorOptions = {}) {
    super(message, options);
    this.code = code;
    this.retryAfterMs = options.retryAfterMs;
  }
}

/** SERVER_UNREACHABLE, with how far the connection came. */
export class UnreachableError extends PodroleError {
  /**
   * True if the server closed the connection after the client's part of the TLS handshake, as it does with a client
   * certificate that it rejects. An overloaded server closes it earlier.
   */
  readonly wasDropped: boolean;

  constructor(message: string, { wasDropped, ...options }: ErrorOptions & { readonly wasDropped: boolean }) {
    super("SERVER_UNREACHABLE", message, options);
    this.wasDropped = wasDropped;
  }
}

/**
 * Returns a PodroleError unchanged, and anything else as INTERNAL with the error as its cause and not in its message.
 */
export function toPodroleError(error: unknown): PodroleError {
  if (error instanceof PodroleError) return error;
  return new PodroleError(
    "INTERNAL",
    "Cannot complete the request: podrole failed internally; the cause is in its log",
    { cause: error },
  );
}
