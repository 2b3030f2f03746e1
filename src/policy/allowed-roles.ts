// What a namespace permits: kube2iam's JSON array. A pattern that begins "arn:" is compared with the whole ARN, any
// other with the whole ARN after the base ARN was put before it. Globs know "*" (any text) alone, as kube2iam's did;
// regular expressions are RE2 and match whole, where kube2iam's matched anywhere ("foo" allowed "foobar").
import type { Refusal } from "../protocol/errors.ts";
import { ANNOTATIONS, quoted } from "./annotations.ts";
import type { MatcherCache } from "./permitted.ts";

export type AllowedRolesFormat = "glob" | "regexp";

/** More than any namespace has; the bound keeps one decision short. */
const MOST_PATTERNS = 1_000;

/** Undefined when a pattern of the array allows the ARN. */
export function refuseByAllowedRoles(
  annotation: string,
  arn: string,
  { format, baseArn }: { readonly format: AllowedRolesFormat; readonly baseArn: string | undefined },
  matchers: MatcherCache,
): (Pick<Refusal, "code"> & { readonly state: string }) | undefined {
  const patterns = parsePatterns(annotation);
  if (typeof patterns === "string") return unusable(annotation, patterns);
  for (const pattern of patterns) {
    const whole = isWhole(pattern)
      ? pattern
      : `${format === "glob" ? (baseArn ?? "") : escape(baseArn ?? "")}${pattern.replace(/^\//, "")}`;
    const matcher = matchers.matcher(format === "glob" ? globToExpression(whole) : whole, true);
    if (typeof matcher === "string") return unusable(annotation, `${quoted(pattern)}: ${matcher}`);
    if (matcher(arn)) return undefined;
  }
  return {
    code: "ROLE_FORBIDDEN",
    state: `${ANNOTATIONS.allowedRoles} is ${quoted(annotation)}, which does not name it`,
  };
}

const isWhole = (pattern: string): boolean => /^\^?arn:/i.test(pattern) || pattern === "*" || pattern.startsWith(".*");

function parsePatterns(annotation: string): readonly string[] | string {
  const parsed = parseJson(annotation);
  if (!Array.isArray(parsed) || !parsed.every((pattern) => typeof pattern === "string" && pattern !== "")) {
    return 'wanted a JSON array of patterns such as ["team-a-*"]';
  }
  return parsed.length > MOST_PATTERNS
    ? `it has ${parsed.length} patterns, at most ${MOST_PATTERNS} are read`
    : (parsed as string[]);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function globToExpression(glob: string): string {
  return glob.split("*").map(escape).join(".*");
}

function escape(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
}

function unusable(annotation: string, state: string) {
  return {
    code: "PERMITTED_INVALID",
    state: `${ANNOTATIONS.allowedRoles} ${quoted(annotation)} cannot be used: ${state}`,
  } as const;
}
