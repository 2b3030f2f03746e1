// Permission in kube2iam's format: `iam.amazonaws.com/allowed-roles` of the namespace, a JSON array of patterns, one of
// which must match. Each pattern is compared with:
// - the whole ARN of the role, if the pattern begins with "arn:" (a regular expression also with "^arn:");
// - otherwise what follows the base ARN in it, without one leading slash of the pattern, as in a role annotation.
//   So "*", ".*" and "a|.*" mean roles below the base ARN, never those of another account; without a base ARN, no role.
// A glob has "*" for any text and no other wildcard. A regular expression is RE2 and must match the whole text that it
// is compared with. kube2iam (mappings/mapper.go, iam/arn.go) put the base ARN before the expression and matched
// anywhere: "foo" allowed "foobar", and "^arn:…$" could not be written (kube2iam#341).
import { parseJson } from "../runtime/json-object.ts";
import { createLru } from "../runtime/lru.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { compileExpression, MATCH_STEPS, MAX_INSTRUCTIONS_OF_ARRAY } from "./expression.ts";
import { compileCost } from "./expression-size.ts";
import { matchesArnGlob, matchesGlob } from "./glob.ts";
import type { AllowedRolesFormat } from "./model.ts";
import { judgeBy, type RoleJudge, type RoleTest } from "./permission.ts";
import { withoutSlash } from "./role.ts";

/** More than any real namespace has. */
const MAX_PATTERNS = 1_000;
/** Longer than any ARN with wildcards; expression.ts limits regular expressions. */
const MAX_GLOB_LENGTH = 2_048;
/** Steps of a glob, beside one per character of it. The text adds none: the longest ARN has 660 characters. */
const GLOB_STEPS = 8;
/** What compiling all expressions of an array may cost (expression-size.ts). */
const MAX_TOTAL_COMPILE_COST = 8_192;

interface Pattern {
  /** Compared with the whole ARN; otherwise with the part after the base ARN. */
  readonly isWhole: boolean;
  readonly matches: (text: string) => boolean;
  /** The most steps that matches() takes (permission.ts). */
  readonly steps: MatchCost;
}

/** Steps for a text: `perCharacter` × (its characters + 1) + `constant`. */
interface MatchCost {
  readonly perCharacter: number;
  readonly constant: number;
}

/** The patterns of an array, and the steps of all those that are compared with the same text. */
interface Patterns {
  readonly patterns: readonly Pattern[];
  readonly whole: MatchCost;
  readonly short: MatchCost;
}

/** In bytes: annotations and their patterns. */
const parsedPatterns = createLru<Result<Patterns>>(8_000_000);
/** In bytes, beside its text: a closure, and an expression without its program. */
const PATTERN_BYTES = 600;

/** Returns what judges the different roles of a decision by the annotation's patterns. */
export function judgeByAllowedRoles(
  namespace: string,
  annotation: string,
  arns: readonly string[],
  { format, baseArn }: { readonly format: AllowedRolesFormat; readonly baseArn: string | undefined },
): RoleJudge {
  const name = ANNOTATIONS.allowedRoles;
  const read = (text: string): Result<RoleTest> => {
    const patterns = readPatterns(text, format);
    return patterns.ok ? success(roleTest(patterns.value, baseArn)) : patterns;
  };
  return judgeBy({ namespace, name, value: annotation, title: `${name}, ${format}`, read }, arns);
}

function roleTest({ patterns, whole, short }: Patterns, baseArn: string | undefined): RoleTest {
  /** Undefined for a role that does not begin with the base ARN. */
  const shortOf = (arn: string) =>
    baseArn !== undefined && arn.startsWith(baseArn) ? arn.slice(baseArn.length) : undefined;
  return {
    permits(arn) {
      const rest = shortOf(arn);
      return patterns.some(({ isWhole, matches }) => (isWhole ? matches(arn) : rest !== undefined && matches(rest)));
    },
    steps(arn) {
      const rest = shortOf(arn);
      return stepsOn(whole, arn) + (rest === undefined ? 0 : stepsOn(short, rest));
    },
  };
}

function stepsOn({ perCharacter, constant }: MatchCost, text: string): number {
  return perCharacter * (text.length + 1) + constant;
}

function sumOf(patterns: readonly Pattern[]): MatchCost {
  const sum = (key: keyof MatchCost) => patterns.reduce((total, { steps }) => total + steps[key], 0);
  return { perCharacter: sum("perCharacter"), constant: sum("constant") };
}

function readPatterns(annotation: string, format: AllowedRolesFormat): Result<Patterns> {
  const key = `${format} ${annotation}`;
  const known = parsedPatterns.get(key);
  if (known !== undefined) return known;
  const texts = parseArray(annotation);
  const read = !texts.ok ? texts : format === "glob" ? readGlobs(texts.value) : readExpressions(texts.value);
  const patterns = read.ok ? success(withSteps(read.value)) : read;
  parsedPatterns.set(key, patterns, 4 * key.length + PATTERN_BYTES * (read.ok ? read.value.length : 1));
  return patterns;
}

function withSteps(patterns: readonly Pattern[]): Patterns {
  return {
    patterns,
    whole: sumOf(patterns.filter(({ isWhole }) => isWhole)),
    short: sumOf(patterns.filter(({ isWhole }) => !isWhole)),
  };
}

/** Returns the texts of the array. */
function parseArray(annotation: string): Result<readonly string[]> {
  const value = parseJson(annotation);
  if (value === undefined) return failure('is not JSON; expected an array of strings such as ["team-a-*"]');
  if (!Array.isArray(value)) return failure('is not a JSON array; expected strings such as ["team-a-*"]');
  if (value.length > MAX_PATTERNS) return failure(`has ${value.length} patterns; expected at most ${MAX_PATTERNS}`);
  const texts = value.filter((element): element is string => typeof element === "string" && element !== "");
  if (texts.length === value.length) return success(texts);
  const odd = value.findIndex((element) => typeof element !== "string" || element === "");
  return failure(`has an element ${odd + 1} that is empty or not a string`);
}

function readGlobs(texts: readonly string[]): Result<readonly Pattern[]> {
  const long = texts.findIndex((text) => text.length > MAX_GLOB_LENGTH);
  if (long >= 0) return failure(`has a pattern ${long + 1} of more than ${MAX_GLOB_LENGTH} characters`);
  return success(texts.map(globOf));
}

function globOf(text: string): Pattern {
  // kube2iam recognises "arn:" in any case and then compares it as written; so does podrole.
  const isWhole = /^arn:/i.test(text);
  const pattern = isWhole ? text : withoutSlash(text);
  const matches = (role: string) => (isWhole ? matchesArnGlob : matchesGlob)(pattern, role);
  return { isWhole, matches, steps: { perCharacter: 0, constant: GLOB_STEPS + pattern.length } };
}

function readExpressions(texts: readonly string[]): Result<readonly Pattern[]> {
  const patterns: Pattern[] = [];
  let size = 0;
  let cost = 0;
  for (const [index, text] of texts.entries()) {
    cost += compileCost(text);
    if (cost > MAX_TOTAL_COMPILE_COST) {
      return failure(
        `is too large to compile; expected at most ${MAX_TOTAL_COMPILE_COST} instructions in all patterns`,
      );
    }
    const isWhole = /^\^?arn:/i.test(text);
    const compiled = compileExpression(isWhole ? text : withoutSlash(text));
    if (!compiled.ok) return failure(`has a pattern ${index + 1} that ${compiled.problem}`);
    const expression = compiled.value;
    size += expression.size;
    if (size > MAX_INSTRUCTIONS_OF_ARRAY) {
      return failure(`needs more than ${MAX_INSTRUCTIONS_OF_ARRAY} instructions; expected fewer or simpler patterns`);
    }
    const matches = (role: string) => expression.matchesWhole(role);
    patterns.push({ isWhole, matches, steps: { perCharacter: expression.size, constant: MATCH_STEPS } });
  }
  return success(patterns);
}
