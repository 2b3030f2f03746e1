// How a renewal ended, and how a child process says so to its parent: one JSON line, without anything secret.
import { ERRORS, type Refusal } from "../protocol/errors.ts";
import { type GrantRefusal, toErrorCode } from "./grants.ts";

/**
 * `renewed`: every container holds what the server just gave. `refused`: the server answered, and refused a container at
 * least. `failed`: no answer for the pod, or no new certificate; what is held stays as it is unless the row says
 * otherwise. Also the label of the metric.
 */
export type Renewal = { readonly outcome: "renewed" } | ({ readonly outcome: "refused" | "failed" } & GrantRefusal);

export function failed(refusal: Refusal, retryAfterMs = 0): Renewal {
  return { outcome: "failed", code: refusal.code, message: refusal.message, retryAfterMs };
}

/** True when asking again cannot help before somebody changes something. */
export function isPermanent({ code }: Pick<Refusal, "code">): boolean {
  return !ERRORS[code].retry;
}

export function encodeRenewal(renewal: Renewal): string {
  return JSON.stringify(renewal);
}

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
