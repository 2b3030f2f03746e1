/**
 * Returns a regular expression that matches exactly this text, in JavaScript and in RE2. RegExp.escape() needs Node 24
 * and returns escapes that RE2 does not have.
 */
export function quotePattern(text: string): string {
  return text.replaceAll(/[\\^$.|?*+()[\]{}]/g, String.raw`\$&`);
}
