// RE2 expressions from untrusted annotations, compiled once. RE2 (re2js), because kiam's expressions are RE2 and
// because its time is linear in the text; limits on the length and the size of the program bound the other factor. What
// all matches of a decision cost together is bounded in permission.ts.
// (https://github.com/google/re2/wiki/Syntax)
import { RE2JS, RE2JSSyntaxException } from "re2js";
import { createLru } from "../runtime/lru.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import { textBytes } from "../runtime/text-bytes.ts";
import { quoted } from "./annotations.ts";
import { compileCost, UNICODE_COST } from "./expression-size.ts";

/** In characters. Users of kiam write a few dozen, or list a few dozen ARNs. */
export const MAX_EXPRESSION_LENGTH = 8_192;
/** A list of 60 patterns, each with several wildcards, needs about 1700. */
const MAX_INSTRUCTIONS = 2_048;
/** Instructions of all expressions of an array together: all of them may have to run. */
export const MAX_INSTRUCTIONS_OF_ARRAY = 4_096;
/**
 * What compiling may cost, in instructions before the compiler shares common prefixes; about 40 ms. 80 ARNs written out
 * need about 4000.
 */
const MAX_COMPILE_COST = 4_096;

/** In steps: what a match costs, whatever the text. A match of a tiny expression takes 3 to 4 µs. */
export const MATCH_STEPS = 32;

/** A compiled expression. */
export interface Expression {
  /** Instructions of the compiled program. */
  readonly size: number;
  /** Returns the most steps that matching the text takes (permission.ts). */
  steps(text: string): number;
  /** Reports whether the expression matches the whole text, as `^(?:expression)$` does. Never throws. */
  matchesWhole(text: string): boolean;
  /** Reports whether the expression matches anywhere in the text. Never throws. */
  matchesAnywhere(text: string): boolean;
}

/** In bytes: expressions without their programs, of more than 5000 namespaces. */
const compiledExpressions = createLru<Result<Expression>>(4_000_000);
/** In bytes: overhead of a cached expression, in addition to two bytes per character of its text. */
const OVERHEAD_BYTES = 600;
/** All that one decision needs, so that programs are not evicted and compiled again for each of its roles. */
const CACHED_INSTRUCTIONS = MAX_INSTRUCTIONS + MAX_INSTRUCTIONS_OF_ARRAY;
/**
 * In bytes: programs, for expressions that meet a role for the first time. re2js keeps the states of earlier matches in
 * a program. Measured per instruction: 0.2 to 2.2 KiB.
 */
const INSTRUCTION_BYTES = 2_048;
const re2Programs = createLru<RE2JS>(CACHED_INSTRUCTIONS * INSTRUCTION_BYTES);
/**
 * In bytes: results of expressions on ARNs. Pods of a namespace request few roles repeatedly, so an expression runs
 * once for each role, and its program can be evicted.
 */
const matchResults = createLru<boolean>(4_000_000);
/** Distinguishes results of an expression from those of others, without its text in each key. */
let lastId = 0;

/** Returns the compiled expression, or why it cannot be used. */
export function compileExpression(source: string): Result<Expression> {
  // Before the cache, so that a key of a megabyte is never cached.
  if (source.length > MAX_EXPRESSION_LENGTH) {
    return failure(`has ${source.length} characters; expected at most ${MAX_EXPRESSION_LENGTH}`);
  }
  const known = compiledExpressions.get(source);
  if (known !== undefined) return known;
  const result = compileSource(source);
  compiledExpressions.set(source, result, OVERHEAD_BYTES + textBytes([source]));
  return result;
}

function compileSource(source: string): Result<Expression> {
  if (compileCost(source) > MAX_COMPILE_COST) {
    return failure(
      `is too large to compile; expected at most ${MAX_COMPILE_COST} instructions (a Unicode class, or a character that is not ASCII or is written as a number, counts as ${UNICODE_COST})`,
    );
  }
  try {
    // Compiled on its own and anchored by the matcher: as text, "^(?:" + "a)|(b" + ")$" would be anchored at neither
    // end.
    const size = programOf(source).programSize();
    if (size > MAX_INSTRUCTIONS) return failure(`needs ${size} instructions; expected at most ${MAX_INSTRUCTIONS}`);
    const id = ++lastId;
    return success({
      size,
      // One more than the text has: the program also runs at its end.
      steps: (text) => size * (text.length + 1) + MATCH_STEPS,
      matchesWhole: rememberMatches(`${id} whole`, (text) => programOf(source).testExact(text)),
      matchesAnywhere: rememberMatches(`${id} anywhere`, (text) => programOf(source).test(text)),
    });
  } catch (error) {
    return failure(`is not an RE2 expression: ${describeSyntaxError(error, source)}`);
  }
}

/** Returns the program of an expression, compiled again if it was evicted. Throws for what is not an expression. */
function programOf(source: string): RE2JS {
  const known = re2Programs.get(source);
  if (known !== undefined) return known;
  const program = RE2JS.compile(source);
  re2Programs.set(source, program, program.programSize() * INSTRUCTION_BYTES);
  return program;
}

function rememberMatches(prefix: string, match: (text: string) => boolean): (text: string) => boolean {
  return (text) => {
    const key = `${prefix} ${text}`;
    const known = matchResults.get(key);
    if (known !== undefined) return known;
    const result = matchOrNot(match, text);
    matchResults.set(key, result, textBytes([key]) + OVERHEAD_BYTES / 4);
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
function describeSyntaxError(error: unknown, source: string): string {
  if (!(error instanceof RE2JSSyntaxException)) return "it cannot be compiled";
  const { error: what, input: piece } = error as { error?: unknown; input?: unknown };
  const reason = typeof what === "string" ? what : "it cannot be compiled";
  if (typeof piece !== "string" || piece === "" || piece === source) return reason;
  const at = source.indexOf(piece);
  return at < 0 ? `${reason}: ${quoted(piece)}` : `${reason} at character ${at + 1}: ${quoted(piece)}`;
}
