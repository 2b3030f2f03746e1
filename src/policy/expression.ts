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

/** In bytes: expressions without their programs, of more than 5000 namespaces. */
const compiled = createLru<Result<Expression>>(4_000_000);
/** In bytes, beside twice the text. */
const OVERHEAD = 600;
/**
 * In bytes: programs, for expressions that meet a role for the first time. re2js keeps the states of earlier matches in a
 * program. Measured per instruction: 0.2 to 2.2 KiB.
 */
const programs = createLru<RE2JS>(8 * 1024 * 1024);
const INSTRUCTION_BYTES = 2_048;
/**
 * In bytes: results of expressions on ARNs. Pods of a namespace request few roles repeatedly, so an expression runs once
 * for each role, and its program can be evicted.
 */
const results = createLru<boolean>(4_000_000);
/** Distinguishes results of an expression from those of others, without its text in each key. */
let lastId = 0;

/** Returns the compiled expression, or why it cannot be used. */
export function compileExpression(source: string): Result<Expression> {
  // Before the cache, so that a key of a megabyte is never cached.
  if (source.length > LONGEST_EXPRESSION) {
    return failure(`has ${source.length} characters; expected at most ${LONGEST_EXPRESSION}`);
  }
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const result = compile(source);
  compiled.set(source, result, OVERHEAD + 2 * source.length);
  return result;
}

function compile(source: string): Result<Expression> {
  const tooLarge = failure(`needs more than ${MOST_INSTRUCTIONS} instructions`);
  if (expressionSize(source) > MOST_INSTRUCTIONS_WRITTEN) return tooLarge;
  try {
    // Compiled on its own and anchored by the matcher: as text, "^(?:" + "a)|(b" + ")$" would be anchored at neither
    // end.
    const size = programOf(source).programSize();
    if (size > MOST_INSTRUCTIONS) return tooLarge;
    const id = ++lastId;
    return success({
      size,
      matchesWhole: remember(`${id} whole`, (text) => programOf(source).testExact(text)),
      matchesAnywhere: remember(`${id} anywhere`, (text) => programOf(source).test(text)),
    });
  } catch (error) {
    return failure(`is not an RE2 expression: ${explain(error, source)}`);
  }
}

/** Returns the program of an expression, compiled again if it was evicted. Throws for what is not an expression. */
function programOf(source: string): RE2JS {
  const known = programs.get(source);
  if (known !== undefined) return known;
  const program = RE2JS.compile(source);
  programs.set(source, program, program.programSize() * INSTRUCTION_BYTES);
  return program;
}

function remember(prefix: string, match: (text: string) => boolean): (text: string) => boolean {
  return (text) => {
    const key = `${prefix} ${text}`;
    const known = results.get(key);
    if (known !== undefined) return known;
    const result = matchOrNot(match, text);
    results.set(key, result, 2 * key.length + OVERHEAD / 4);
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
