// The first of two checks that STS makes of a request's fields: form and length, all violations in one answer and in
// STS's own words. Lengths count characters, not bytes and not UTF-16 units.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { type StsRefusal, validationError } from "./refusal.ts";

export interface Constraint {
  /** As in the message: "roleSessionName", "tags.1.member.key". */
  readonly path: string;
  readonly value: string | undefined;
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** `text` is how STS writes the pattern. */
  readonly pattern?: { readonly regexp: RegExp; readonly text: string };
}

/** The words for each constraint that is broken. */
export function violations({ path, value, required, min = 0, max = Infinity, pattern }: Constraint): string[] {
  const failed = (constraint: string) =>
    `Value ${value === undefined ? "null" : `'${value}'`} at '${path}' failed to satisfy constraint: Member must ${constraint}`;
  if (value === undefined) return required ? [failed("not be null")] : [];
  const length = Array.from(value).length;
  const broken: string[] = [];
  if (pattern && !pattern.regexp.test(value))
    broken.push(failed(`satisfy regular expression pattern: ${pattern.text}`));
  if (length < min) broken.push(failed(`have length greater than or equal to ${min}`));
  if (length > max) broken.push(failed(`have length less than or equal to ${max}`));
  return broken;
}

/** The words for a number out of range. */
export function rangeViolations(path: string, value: number, min: number, max: number): string[] {
  const failed = (constraint: string) =>
    `Value '${value}' at '${path}' failed to satisfy constraint: Member must have value ${constraint}`;
  if (value < min) return [failed(`greater than or equal to ${min}`)];
  return value > max ? [failed(`less than or equal to ${max}`)] : [];
}

/** STS names a list that is too long without its content. */
export function countViolations(path: string, count: number, max: number): string[] {
  return count > max
    ? [`Value at '${path}' failed to satisfy constraint: Member must have length less than or equal to ${max}`]
    : [];
}

export function validationErrors(broken: readonly string[]): StsRefusal | undefined {
  if (broken.length === 0) return undefined;
  const count = broken.length === 1 ? "1 validation error" : `${broken.length} validation errors`;
  return validationError(`${count} detected: ${broken.join("; ")}`);
}
