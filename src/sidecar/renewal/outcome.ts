// The result of a renewal, and the JSON line in which a child process reports it to its parent: no secret is in it.
import { ERRORS, type ErrorInfo, toErrorCode } from "../../protocol/errors.ts";
import type { GrantRefusal } from "../grants.ts";

/**
 * `renewed`: every container received new credentials. `refused`: the server answered and refused at least one
 * container. `failed`: no answer for the pod, or no new certificate; stored credentials remain unless the error's row
 * says otherwise. The outcome is also a metric label.
 */
export type Renewal = { readonly outcome: "renewed" } | ({ readonly outcome: "refused" | "failed" } & GrantRefusal);

/** Returns a failed renewal. `retryAfterMs`: milliseconds that the origin of the error asked callers to wait. */
export function failedRenewal({ code, message }: ErrorInfo, retryAfterMs = 0): Renewal {
  return { outcome: "failed", code, message, retryAfterMs };
}

/** Reports whether retrying is useless until an operator changes something. */
export function isPermanent({ code }: Pick<ErrorInfo, "code">): boolean {
  return !ERRORS[code].retry;
}

/** Returns the renewal as one line of JSON, without a line feed. */
export function encodeRenewal(renewal: Renewal): string {
  return JSON.stringify(renewal);
}

/** Parses a line of `encodeRenewal`; returns undefined for anything else. */
export function decodeRenewal(line: string): Renewal | undefined {
  try {
    const { outcome, code, message, retryAfterMs } = JSON.parse(line) as Readonly<Record<string, unknown>>;
    if (outcome === "renewed") return { outcome };
    if (outcome !== "refused" && outcome !== "failed") return undefined;
    return {
      outcome,
      code: toErrorCode(String(code)),
      message: String(message),
      retryAfterMs: Number(retryAfterMs) || 0,
    };
  } catch {
    return undefined;
  }
}
