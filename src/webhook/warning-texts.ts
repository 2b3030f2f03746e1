// The texts of warnings as the API server passes them on to its caller, and as podrole records them.
import type { Warning } from "../injection/warnings.ts";

/** The API server truncates a warning at 256 characters and drops what exceeds 4096 in total. */
const MAX_WARNING_LENGTH = 256;
export const MAX_WARNINGS = 16;

/** Returns the first texts, each at most 256 characters long. */
export function warningTexts(warnings: readonly Warning[]): readonly string[] {
  return warnings.slice(0, MAX_WARNINGS).map(({ text }) => truncateText(text, MAX_WARNING_LENGTH));
}

/** Returns a text of at most `length` characters, which ends in "..." if it was longer. */
function truncateText(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 3)}...`;
}
