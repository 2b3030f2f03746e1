// Permission in kiam's format: `iam.amazonaws.com/permitted` of the namespace, one RE2 expression on the resolved ARN.
// Absent or empty permits nothing. kiam compiled "^" + expression + "$", so that `a|b` meant "starts with a, or ends
// with b" (pkg/server/policy.go); here the whole expression is anchored.
import { type Result, success } from "../runtime/result.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { compileExpression } from "./expression.ts";
import { judgeBy, type RoleJudge, type RoleTest } from "./permission.ts";

/**
 * Returns what judges the different roles of a decision. With `isStrict` the whole ARN must match; otherwise any part
 * of it may, as with kiam's --disable-strict-namespace-regexp.
 */
export function judgeByPermitted(
  namespace: string,
  annotation: string,
  arns: readonly string[],
  isStrict: boolean,
): RoleJudge {
  const name = ANNOTATIONS.permitted;
  const read = (text: string): Result<RoleTest> => {
    const compiled = compileExpression(text);
    if (!compiled.ok) return compiled;
    const expression = compiled.value;
    return success({
      permits: (arn) => (isStrict ? expression.matchesWhole(arn) : expression.matchesAnywhere(arn)),
      steps: (arn) => expression.steps(arn),
    });
  };
  return judgeBy({ namespace, name, value: annotation, title: name, read }, arns);
}
