// Decisions about a pod as commands print them: what happened or would happen to it, by the decision of plan().
import type { Plan } from "../../injection/plan.ts";
import { ERRORS, isErrorCode } from "../../protocol/errors.ts";

/** Decision → what becomes of the pod. */
export const DECISION_TEXTS: Readonly<Record<Plan["decision"] | "unknown", string>> = {
  inject: "injected",
  skip: "not injected",
  refuse: "refused",
  unknown: "unknown",
};

/** Returns the remedy of an error code as lines below its message; none for other codes. */
export function remedyLines(code: string): readonly string[] {
  return isErrorCode(code) ? [`remedy: ${ERRORS[code].remedy}`] : [];
}
