// RE2 expressions from untrusted annotations, compiled once. RE2 (re2js), because kiam's expressions are RE2 and
// because its time is linear in the text; limits on the length and the size of the program bound the other factor.
// (https://github.com/google/re2/wiki/Syntax)
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { createLru } from "../runtime/lru.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import { quoted } from "./annotations.ts";
import { expressionSize } from "./expression-size.ts";

/** In characters. Users of kiam write a few dozen, or list a few dozen ARNs. */
export const LONGEST_EXPRESSION = 8_192;
/**
 * Matching takes up to instructions × length of the ARN: with 4096 and 620, a fraction of a second in the worst case.
 */
const MOST_INSTRUCTIONS = 4_096;
/** Before the compiler shares common prefixes. This limit only protects the compiler itself. */
const MOST_INSTRUCTIONS_WRITTEN = 16_384;

/** A compiled expression. */
export interface Expression {
  /** Instructions of the compiled program. */
  readonly size: number;
  /** Reports whether the expression matches the whole text, as `^(?:expression)$` does. Never throws. */
  matchesWhole(text: string): boolean;
  /** Reports whether the expression matches anywhere in the text. Never throws. */
  matchesAnywhere(text: string): boolean;
}

/** Instructions of all cached expressions; small ones cost more than their number. 1000 namespaces fit easily. */
const compiled = createLru<Result<Expression>>(400_000);
const OVERHEAD = 100;

/** Returns the compiled expression, or why it cannot be used. */
export function compileExpression(source: string): Result<Expression> {
  // Before the cache, so that a key of a megabyte is never cached.
  if (source.length > LONGEST_EXPRESSION) {
    return failure(`has ${source.length} characters; expected at most ${LONGEST_EXPRESSION}`);
  }
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const result = compile(source);
  compiled.set(source, result, OVERHEAD + (result.ok ? result.value.size : source.length));
  return result;
}

function compile(source: string): Result<Expression> {
  const tooLarge = failure(`needs more than ${MOST_INSTRUCTIONS} instructions`);
  if (expressionSize(source) > MOST_INSTRUCTIONS_WRITTEN) return tooLarge;
  try {
    // Compiled on its own and anchored by the matcher: as text, "^(?:" + "a)|(b" + ")$" would be anchored at neither
    // end.
    const program = RE2JS.compile(source);
    const size = program.programSize();
    if (size > MOST_INSTRUCTIONS) return tooLarge;
    return success({
      size,
      matchesWhole: remember((text) => program.testExact(text)),
      matchesAnywhere: remember((text) => program.test(text)),
    });
  } catch (error) {
    return failure(`is not an RE2 expression: ${explain(error, source)}`);
  }
}

/** Pods of a namespace request few roles repeatedly; an expensive expression runs once per role. */
const REMEMBERED = 32;

function remember(match: (text: string) => boolean): (text: string) => boolean {
  const results = createLru<boolean>(REMEMBERED);
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    const result = matchOrNot(match, text);
    results.set(text, result);
    return result;
  };
}

/** A matcher that fails permits nothing, whatever the reason. */
function matchOrNot(match: (text: string) => boolean, text: string): boolean {
  try {
    return match(text);
  } catch {
    return false;
  }
}

/** re2js reports the error and the piece of the expression; the position of that piece is found here. */
function explain(error: unknown, source: string): string {
  if (!(error instanceof RE2JSSyntaxException)) return "it cannot be compiled";
  const { error: what, input: piece } = error as { error?: unknown; input?: unknown };
  const reason = typeof what === "string" ? what : "it cannot be compiled";
  if (typeof piece !== "string" || piece === "" || piece === source) return reason;
  const at = source.indexOf(piece);
  return at < 0 ? `${reason}: ${quoted(piece)}` : `${reason} at character ${at + 1}: ${quoted(piece)}`;
}
