// Permission in kiam's format: `iam.amazonaws.com/permitted` of the namespace, one RE2 expression on the resolved ARN.
// Absent or empty permits nothing. kiam compiled "^" + expression + "$", so that `a|b` meant "starts with a, or ends
// with b" (pkg/server/policy.go); here the whole expression is anchored.
import { type Result, success } from "../runtime/result.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { compileExpression } from "./expression.ts";
import { type Permission, permissionBy, type RoleTest } from "./permission.ts";

/**
 * Judges a role. With `strict` the whole ARN must match; otherwise any part of it may, as with kiam's
 * --disable-strict-namespace-regexp.
 */
export function judgeByPermitted(namespace: string, annotation: string, arn: string, strict: boolean): Permission {
  const name = ANNOTATIONS.permitted;
  const read = (text: string): Result<RoleTest> => {
    const compiled = compileExpression(text);
    if (!compiled.ok) return compiled;
    const expression = compiled.value;
    return success((role) => (strict ? expression.matchesWhole(role) : expression.matchesAnywhere(role)));
  };
  return permissionBy({ namespace, name, value: annotation, title: name, read }, arn);
}
