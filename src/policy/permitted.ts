// What a namespace permits: kiam's expression. RE2 by re2js, because kiam's expressions are RE2 and because linear time
// is the only safe way to run an expression that anybody may write into an annotation.
import { RE2JS, RE2JSException } from "re2js";
import type { Refusal } from "../protocol/errors.ts";
import { ANNOTATIONS, quoted } from "./annotations.ts";

/** Compiled expressions by source; the one used longest ago goes first. Namespaces share most of them. */
const COMPILED_LIMIT = 1_000;
/** Compiling costs time and memory in proportion; kiam's users write a few dozen characters. */
const LONGEST_EXPRESSION = 4_096;

/** Matches a whole ARN, or finds anywhere in it. A text instead of it says why the expression cannot be used. */
export type Matcher = (arn: string) => boolean;

export interface MatcherCache {
  /** `^(?:expression)$` when `strict`; the bare expression otherwise. */
  matcher(expression: string, strict: boolean): Matcher | string;
}

export function createMatcherCache(limit: number = COMPILED_LIMIT): MatcherCache {
  const compiled = new Map<string, Matcher | string>();
  return {
    matcher(expression, strict) {
      const source = strict ? `^(?:${expression})$` : expression;
      const known = compiled.get(source) ?? compile(expression, source);
      compiled.delete(source);
      compiled.set(source, known);
      if (compiled.size > limit) compiled.delete(compiled.keys().next().value as string);
      return known;
    },
  };
}

function compile(expression: string, source: string): Matcher | string {
  if (expression.length > LONGEST_EXPRESSION)
    return `it has ${expression.length} characters, at most ${LONGEST_EXPRESSION} are read`;
  try {
    // The expression must be whole by itself: "a)|(b" would otherwise close our own group.
    RE2JS.compile(expression);
    const pattern = RE2JS.compile(source);
    return (arn) => pattern.matcher(arn).find();
  } catch (error) {
    if (error instanceof RE2JSException) return error.message;
    throw error;
  }
}

/** Undefined when the namespace's expression permits the ARN. Absent or empty: nothing is permitted. */
export function refuseByExpression(
  expression: string,
  arn: string,
  strict: boolean,
  matchers: MatcherCache,
): (Pick<Refusal, "code"> & { readonly state: string }) | undefined {
  const matcher = matchers.matcher(expression, strict);
  if (typeof matcher === "string") {
    return {
      code: "PERMITTED_INVALID",
      state: `${ANNOTATIONS.permitted} ${quoted(expression)} is not an RE2 expression: ${matcher}`,
    };
  }
  if (matcher(arn)) return undefined;
  return {
    code: "ROLE_FORBIDDEN",
    state: `${ANNOTATIONS.permitted} is ${quoted(expression)}, which does not match it`,
  };
}
