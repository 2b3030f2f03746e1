// RE2 expressions that strangers wrote, compiled once. RE2 (re2js) because kiam's expressions are RE2 and because its
// time is linear in the text; the length and the size of the program are bounded, which bounds the other factor.
// (https://github.com/google/re2/wiki/Syntax)
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { quoted } from "./annotations.ts";
import { expressionSize } from "./expression-size.ts";
import { createLru } from "./lru.ts";

/** kiam's users write a few dozen characters, or list a few dozen ARNs. */
export const LONGEST_EXPRESSION = 8_192;
/** Matching takes up to instructions × length of the ARN: with 4096 and 620 a fraction of a second at the very worst. */
const MOST_INSTRUCTIONS = 4_096;
/** Before common prefixes are shared; it only keeps the compiler itself from being the attack. */
const MOST_INSTRUCTIONS_WRITTEN = 16_384;

export interface Expression {
  /** Instructions of the compiled program. */
  readonly size: number;
  /** The expression describes the whole text, as `^(?:expression)$` does. Never throws. */
  matchesWhole(text: string): boolean;
  /** The expression matches somewhere in the text. Never throws. */
  matchesAnywhere(text: string): boolean;
}

/** Instructions of all compiled expressions; small ones cost more than they say. 1000 namespaces fit easily. */
const compiled = createLru<Expression | string>(400_000);
const OVERHEAD = 100;

/** The expression, or why it cannot be used, as the end of a sentence. */
export function compileExpression(source: string): Expression | string {
  // Before the cache: a key of a megabyte is not kept either.
  if (source.length > LONGEST_EXPRESSION) {
    return `has ${source.length} characters, at most ${LONGEST_EXPRESSION} are read`;
  }
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const result = compile(source);
  compiled.set(source, result, OVERHEAD + (typeof result === "string" ? source.length : result.size));
  return result;
}

function compile(source: string): Expression | string {
  const tooLarge = `needs too large a program, at most ${MOST_INSTRUCTIONS} instructions are run`;
  if (expressionSize(source) > MOST_INSTRUCTIONS_WRITTEN) return tooLarge;
  try {
    // Compiled by itself and anchored by the matcher: in text, "^(?:" + "a)|(b" + ")$" would be anchored at neither end.
    const program = RE2JS.compile(source);
    const size = program.programSize();
    if (size > MOST_INSTRUCTIONS) return tooLarge;
    return {
      size,
      matchesWhole: remember((text) => program.testExact(text)),
      matchesAnywhere: remember((text) => program.test(text)),
    };
  } catch (error) {
    return `is not an RE2 expression: ${explain(error, source)}`;
  }
}

/** Pods of a namespace ask for few roles again and again; an expensive expression is paid for once a role. */
const REMEMBERED = 32;

function remember(match: (text: string) => boolean): (text: string) => boolean {
  const results = new Map<string, boolean>();
  return (text) => {
    const known = results.get(text);
    if (known !== undefined) return known;
    if (results.size >= REMEMBERED) results.clear();
    const result = matchOrNot(match, text);
    results.set(text, result);
    return result;
  };
}

/** A matcher that fails permits nothing, whatever made it fail. */
function matchOrNot(match: (text: string) => boolean, text: string): boolean {
  try {
    return match(text);
  } catch {
    return false;
  }
}

/** re2js says what and at which piece; where that piece stands is for us to find. */
function explain(error: unknown, source: string): string {
  if (!(error instanceof RE2JSSyntaxException)) return "it cannot be compiled";
  const { error: what, input: piece } = error as { error?: unknown; input?: unknown };
  const reason = typeof what === "string" ? what : "it cannot be compiled";
  if (typeof piece !== "string" || piece === "" || piece === source) return reason;
  const at = source.indexOf(piece);
  return at < 0 ? `${reason}: ${quoted(piece)}` : `${reason} at character ${at + 1}: ${quoted(piece)}`;
}
