// What one annotation of a namespace says about the roles of a decision: the same answers, whichever format the
// annotation has. What the answers cost is counted before anything is matched, for all roles together: the namespace's
// author chooses the patterns, and the pod's author how many roles they are compared with and how long those are.
import type { Result } from "../runtime/result.ts";
import { quoted } from "./annotations.ts";

/** Whether an annotation permits a role; `state` follows "Cannot give role …: ". */
export type Permission =
  | { readonly permitted: true }
  | { readonly permitted: false; readonly code: "ROLE_FORBIDDEN" | "PERMITTED_INVALID"; readonly state: string };

/**
 * In steps: one instruction of an expression on one character, or one character of a glob. A step takes 0.1 to
 * 0.2 µs at most, so one annotation costs a decision about 100 ms of CPU at worst. 60 patterns with wildcards on an
 * ordinary ARN need about 140 000.
 */
export const MAX_STEPS = 500_000;

/** Tests ARNs of roles. Its functions never throw. */
export interface RoleTest {
  readonly permits: (arn: string) => boolean;
  /** Returns the most steps that permits() takes for this ARN; it takes few to find out. */
  readonly steps: (arn: string) => number;
}

/** An annotation of a namespace, and how it is read. */
export interface PermittingAnnotation {
  readonly namespace: string;
  readonly name: string;
  readonly value: string;
  /** The name, with what else decides how the value is read. */
  readonly title: string;
  /** Not called for an empty value, which permits nothing in every format. */
  readonly read: (value: string) => Result<RoleTest>;
}

/** Returns whether the annotation permits the role, one of those that it was made for. Never throws. */
export type RoleJudge = (arn: string) => Permission;

/**
 * Returns what judges the different `arns` of a decision. PERMITTED_INVALID for all of them if the annotation cannot be
 * read, or if comparing it with all of them needs more than MAX_STEPS.
 */
export function judgeBy(
  { namespace, name, value, title, read }: PermittingAnnotation,
  arns: readonly string[],
): RoleJudge {
  const all = (permission: Permission) => () => permission;
  if (value === "") return all(roleForbidden(`namespace "${namespace}" permits nothing: ${name} is empty`));
  const stated = `namespace "${namespace}" permits ${quoted(value)} (${title}), which`;
  const invalid = (problem: string) =>
    all({ permitted: false, code: "PERMITTED_INVALID", state: `${stated} ${problem}` });
  const test = read(value);
  if (!test.ok) return invalid(test.problem);
  const { permits, steps } = test.value;
  const needed = arns.reduce((sum, arn) => sum + steps(arn), 0);
  if (needed > MAX_STEPS) return invalid(tooManySteps(needed, arns));
  const denial = roleForbidden(`${stated} does not match`);
  return (arn) => (permits(arn) ? { permitted: true } : denial);
}

function tooManySteps(needed: number, arns: readonly string[]): string {
  const longest = arns.reduce((most, { length }) => Math.max(most, length), 0);
  const roles = arns.length === 1 ? `a role of ${longest}` : `${arns.length} different roles of at most ${longest}`;
  return `needs ${needed} steps for ${roles} characters; expected at most ${MAX_STEPS}`;
}

/** Returns a clear denial. */
export function roleForbidden(state: string): Permission {
  return { permitted: false, code: "ROLE_FORBIDDEN", state };
}
