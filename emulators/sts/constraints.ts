// The first of STS's two checks of a request's fields: form and length, all violations in one response with STS's
// messages. Lengths count characters, not bytes and not UTF-16 units.
// (https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html)
import { type StsError, validationError } from "./errors.ts";

/** The form that a field must have. */
export interface Constraint {
  /** As in the message, such as "roleSessionName" or "tags.1.member.key". */
  readonly path: string;
  readonly value: string | undefined;
  readonly isRequired?: boolean;
  readonly min?: number;
  readonly max?: number;
  /** `text` is the pattern in STS's notation. */
  readonly pattern?: { readonly regexp: RegExp; readonly text: string };
}

/** Returns a message for each violated constraint. */
export function findViolations({ path, value, isRequired, min = 0, max = Infinity, pattern }: Constraint): string[] {
  const failed = (constraint: string) =>
    `Value ${value === undefined ? "null" : `'${value}'`} at '${path}' failed to satisfy constraint: Member must ${constraint}`;
  if (value === undefined) return isRequired ? [failed("not be null")] : [];
  const length = Array.from(value).length;
  const broken: string[] = [];
  if (pattern && !pattern.regexp.test(value))
    broken.push(failed(`satisfy regular expression pattern: ${pattern.text}`));
  if (length < min) broken.push(failed(`have length greater than or equal to ${min}`));
  if (length > max) broken.push(failed(`have length less than or equal to ${max}`));
  return broken;
}

/** Returns a message for a number out of range. */
export function rangeViolations(path: string, value: number, min: number, max: number): string[] {
  const failed = (constraint: string) =>
    `Value '${value}' at '${path}' failed to satisfy constraint: Member must have value ${constraint}`;
  if (value < min) return [failed(`greater than or equal to ${min}`)];
  return value > max ? [failed(`less than or equal to ${max}`)] : [];
}

/** STS reports a list that is too long without its content. */
export function countViolations(path: string, count: number, max: number): string[] {
  return count > max
    ? [`Value at '${path}' failed to satisfy constraint: Member must have length less than or equal to ${max}`]
    : [];
}

/** Joins the messages into one error, as STS does; undefined if there are none. */
export function validationErrors(broken: readonly string[]): StsError | undefined {
  if (broken.length === 0) return undefined;
  const count = broken.length === 1 ? "1 validation error" : `${broken.length} validation errors`;
  return validationError(`${count} detected: ${broken.join("; ")}`);
}
