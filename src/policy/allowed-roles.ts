// What a namespace permits, kube2iam's way: `iam.amazonaws.com/allowed-roles`, a JSON array of patterns, one of which
// must match. Compared with what:
// - a pattern that begins "arn:" (a regular expression also "^arn:") with the whole ARN of the role;
// - any other with what follows the base ARN in it, one leading slash of the pattern dropped, as in a role annotation.
//   So "*", ".*" and "a|.*" mean roles below the base ARN, never another account's; without a base ARN, no role.
// A glob has "*" for any text and nothing else. A regular expression is RE2 and describes the whole of what it is
// compared with. kube2iam (mappings/mapper.go, iam/arn.go) put the base ARN before the expression and matched
// anywhere: "foo" allowed "foobar", and "^arn:…$" could not be written (kube2iam#341).
import { ANNOTATIONS, quoted } from "./annotations.ts";
import { compileExpression } from "./expression.ts";
import { matchesArnGlob, matchesGlob } from "./glob.ts";
import { createLru } from "./lru.ts";
import type { AllowedRolesFormat, Verdict } from "./model.ts";
import { withoutSlash } from "./role.ts";

/** More than any namespace has. */
const MOST_PATTERNS = 1_000;
/** Longer than any ARN with wild cards; the bound of regular expressions is in expression.ts. */
const LONGEST_GLOB = 2_048;
/** Instructions of an array's expressions together: they may all have to run. */
const MOST_INSTRUCTIONS = 16_384;

/** `short` is what follows the base ARN, undefined for a role that does not begin with it. */
type Pattern = (arn: string, short: string | undefined) => boolean;

/** Characters of annotations whose patterns are kept. */
const parsed = createLru<readonly Pattern[] | string>(4_000_000);

export function judgeByAllowedRoles(
  namespace: string,
  annotation: string,
  arn: string,
  { format, baseArn }: { readonly format: AllowedRolesFormat; readonly baseArn: string | undefined },
): Verdict {
  if (annotation === "") {
    const state = `namespace "${namespace}" permits nothing: ${ANNOTATIONS.allowedRoles} is empty`;
    return { permitted: false, code: "ROLE_FORBIDDEN", state };
  }
  const stated = `namespace "${namespace}" permits ${quoted(annotation)} (${ANNOTATIONS.allowedRoles}, ${format}), which`;
  const patterns = readPatterns(annotation, format);
  if (typeof patterns === "string") {
    return { permitted: false, code: "PERMITTED_INVALID", state: `${stated} ${patterns}` };
  }
  const short = baseArn !== undefined && arn.startsWith(baseArn) ? arn.slice(baseArn.length) : undefined;
  if (patterns.some((pattern) => pattern(arn, short))) return { permitted: true };
  return { permitted: false, code: "ROLE_FORBIDDEN", state: `${stated} does not match` };
}

function readPatterns(annotation: string, format: AllowedRolesFormat): readonly Pattern[] | string {
  const key = `${format} ${annotation}`;
  const known = parsed.get(key);
  if (known !== undefined) return known;
  const texts = parseArray(annotation);
  const patterns = typeof texts === "string" ? texts : format === "glob" ? readGlobs(texts) : readExpressions(texts);
  parsed.set(key, patterns, key.length);
  return patterns;
}

/** The texts of the array, or why there are none. */
function parseArray(annotation: string): readonly string[] | string {
  let value: unknown;
  try {
    value = JSON.parse(annotation);
  } catch {
    return 'is not JSON, wanted an array of texts such as ["team-a-*"]';
  }
  if (!Array.isArray(value)) return 'is not a JSON array, wanted texts such as ["team-a-*"]';
  if (value.length > MOST_PATTERNS) return `has ${value.length} patterns, at most ${MOST_PATTERNS} are read`;
  const odd = value.findIndex((element) => typeof element !== "string" || element === "");
  return odd < 0 ? (value as string[]) : `has an element ${odd + 1} that is empty or not a text`;
}

function readGlobs(texts: readonly string[]): readonly Pattern[] | string {
  const long = texts.findIndex((text) => text.length > LONGEST_GLOB);
  if (long >= 0) return `has a pattern ${long + 1} of more than ${LONGEST_GLOB} characters`;
  return texts.map((text) => {
    // kube2iam knows "arn:" in any case and then compares it as written; so do we.
    if (/^arn:/i.test(text)) return (arn) => matchesArnGlob(text, arn);
    const pattern = withoutSlash(text);
    return (_arn, short) => short !== undefined && matchesGlob(pattern, short);
  });
}

function readExpressions(texts: readonly string[]): readonly Pattern[] | string {
  const patterns: Pattern[] = [];
  let size = 0;
  for (const [index, text] of texts.entries()) {
    const isWhole = /^\^?arn:/i.test(text);
    const expression = compileExpression(isWhole ? text : withoutSlash(text));
    if (typeof expression === "string") return `has a pattern ${index + 1} that ${expression}`;
    size += expression.size;
    patterns.push(
      isWhole
        ? (arn) => expression.matchesWhole(arn)
        : (_arn, short) => short !== undefined && expression.matchesWhole(short),
    );
  }
  return size <= MOST_INSTRUCTIONS
    ? patterns
    : `needs too large a program, at most ${MOST_INSTRUCTIONS} instructions are run`;
}
