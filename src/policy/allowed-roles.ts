// Permission in kube2iam's format: `iam.amazonaws.com/allowed-roles` of the namespace, a JSON array of patterns, one of
// which must match. Each pattern is compared with:
// - the whole ARN of the role, if the pattern begins with "arn:" (a regular expression also with "^arn:");
// - otherwise what follows the base ARN in it, without one leading slash of the pattern, as in a role annotation.
//   So "*", ".*" and "a|.*" mean roles below the base ARN, never those of another account; without a base ARN, no role.
// A glob has "*" for any text and no other wildcard. A regular expression is RE2 and must match the whole text that it
// is compared with. kube2iam (mappings/mapper.go, iam/arn.go) put the base ARN before the expression and matched
// anywhere: "foo" allowed "foobar", and "^arn:…$" could not be written (kube2iam#341).
import { createLru } from "../runtime/lru.ts";
import { failure, type Result, success } from "../runtime/result.ts";
import { ANNOTATIONS } from "./annotations.ts";
import { compileExpression } from "./expression.ts";
import { matchesArnGlob, matchesGlob } from "./glob.ts";
import type { AllowedRolesFormat } from "./model.ts";
import { type Permission, permissionBy, type RoleTest } from "./permission.ts";
import { withoutSlash } from "./role.ts";

/** More than any real namespace has. */
const MOST_PATTERNS = 1_000;
/** Longer than any ARN with wildcards; expression.ts limits regular expressions. */
const LONGEST_GLOB = 2_048;
/** Instructions of all expressions of an array together: all of them may have to run. */
const MOST_INSTRUCTIONS = 16_384;

/** `short` is the part after the base ARN; undefined for a role that does not begin with it. */
type Pattern = (arn: string, short: string | undefined) => boolean;

/** In bytes: annotations and their patterns. */
const parsed = createLru<Result<readonly Pattern[]>>(8_000_000);
/** In bytes, beside its text: a closure, and an expression without its program. */
const PATTERN_BYTES = 600;

/** Judges a role by the annotation's patterns. PERMITTED_INVALID if the annotation cannot be read. */
export function judgeByAllowedRoles(
  namespace: string,
  annotation: string,
  arn: string,
  { format, baseArn }: { readonly format: AllowedRolesFormat; readonly baseArn: string | undefined },
): Permission {
  const name = ANNOTATIONS.allowedRoles;
  const read = (text: string): Result<RoleTest> => {
    const patterns = readPatterns(text, format);
    return patterns.ok ? success((role) => matchesOne(patterns.value, role, baseArn)) : patterns;
  };
  return permissionBy({ namespace, name, value: annotation, title: `${name}, ${format}`, read }, arn);
}

function matchesOne(patterns: readonly Pattern[], arn: string, baseArn: string | undefined): boolean {
  const short = baseArn !== undefined && arn.startsWith(baseArn) ? arn.slice(baseArn.length) : undefined;
  return patterns.some((pattern) => pattern(arn, short));
}

function readPatterns(annotation: string, format: AllowedRolesFormat): Result<readonly Pattern[]> {
  const key = `${format} ${annotation}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const texts = parseArray(annotation);
  const patterns = !texts.ok ? texts : format === "glob" ? readGlobs(texts.value) : readExpressions(texts.value);
  parsed.set(key, patterns, 4 * key.length + PATTERN_BYTES * (patterns.ok ? patterns.value.length : 1));
  return patterns;
}

/** Returns the texts of the array. */
function parseArray(annotation: string): Result<readonly string[]> {
  let value: unknown;
  try {
    value = JSON.parse(annotation);
  } catch {
    return failure('is not JSON; expected an array of strings such as ["team-a-*"]');
  }
  if (!Array.isArray(value)) return failure('is not a JSON array; expected strings such as ["team-a-*"]');
  if (value.length > MOST_PATTERNS) return failure(`has ${value.length} patterns; expected at most ${MOST_PATTERNS}`);
  const texts = value.filter((element): element is string => typeof element === "string" && element !== "");
  if (texts.length === value.length) return success(texts);
  const odd = value.findIndex((element) => typeof element !== "string" || element === "");
  return failure(`has an element ${odd + 1} that is empty or not a string`);
}

function readGlobs(texts: readonly string[]): Result<readonly Pattern[]> {
  const long = texts.findIndex((text) => text.length > LONGEST_GLOB);
  if (long >= 0) return failure(`has a pattern ${long + 1} of more than ${LONGEST_GLOB} characters`);
  return success(texts.map(globOf));
}

function globOf(text: string): Pattern {
  // kube2iam recognises "arn:" in any case and then compares it as written; so does podrole.
  if (/^arn:/i.test(text)) return (arn) => matchesArnGlob(text, arn);
  const pattern = withoutSlash(text);
  return (_arn, short) => short !== undefined && matchesGlob(pattern, short);
}

function readExpressions(texts: readonly string[]): Result<readonly Pattern[]> {
  const patterns: Pattern[] = [];
  let size = 0;
  for (const [index, text] of texts.entries()) {
    const isWhole = /^\^?arn:/i.test(text);
    const compiled = compileExpression(isWhole ? text : withoutSlash(text));
    if (!compiled.ok) return failure(`has a pattern ${index + 1} that ${compiled.problem}`);
    const expression = compiled.value;
    size += expression.size;
    patterns.push(
      isWhole
        ? (arn) => expression.matchesWhole(arn)
        : (_arn, short) => short !== undefined && expression.matchesWhole(short),
    );
  }
  return size <= MOST_INSTRUCTIONS ? success(patterns) : failure(`needs more than ${MOST_INSTRUCTIONS} instructions`);
}
