// Permission in kiam's format: `iam.amazonaws.com/permitted` of the namespace, one RE2 expression on the resolved ARN.
// Absent or empty permits nothing. kiam compiled "^" + expression + "$", so that `a|b` meant "starts with a, or ends
// with b" (pkg/server/policy.go); here the whole expression is anchored.
import { ANNOTATIONS, quoted } from "./annotations.ts";
import { compileExpression } from "./expression.ts";
import type { Verdict } from "./model.ts";

/**
 * Judges a role. With `strict` the whole ARN must match; otherwise any part of it may, as with kiam's
 * --disable-strict-namespace-regexp.
 */
export function judgeByPermitted(namespace: string, annotation: string, arn: string, strict: boolean): Verdict {
  if (annotation === "") {
    const state = `namespace "${namespace}" permits nothing: ${ANNOTATIONS.permitted} is empty`;
    return { permitted: false, code: "ROLE_FORBIDDEN", state };
  }
  const stated = `namespace "${namespace}" permits ${quoted(annotation)} (${ANNOTATIONS.permitted}), which`;
  const expression = compileExpression(annotation);
  if (typeof expression === "string") {
    return { permitted: false, code: "PERMITTED_INVALID", state: `${stated} ${expression}` };
  }
  const matches = strict ? expression.matchesWhole(arn) : expression.matchesAnywhere(arn);
  return matches
    ? { permitted: true }
    : { permitted: false, code: "ROLE_FORBIDDEN", state: `${stated} does not match` };
}
