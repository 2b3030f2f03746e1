// Estimates what an expression costs before it is compiled: "((a{99}){99}){9}" is short and huge. A bound for budgets,
// not a parser: RE2 itself checks the syntax, and has a limit of its own after this one.

/**
 * Quoted text, an escape, a class, a counted repetition, or any other character. A token that is opened and never
 * closed extends to the end, so that no text is scanned twice.
 */
const EXPRESSION_TOKEN =
  /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\\[^]|\[:\w+:\]|[^\]\\])*(?:\]|\\?$)|\{(\d+)(?:,(\d*))?\}|[^]/gu;

/** A Unicode class, a character by its number, or a character outside ASCII. ARNs of roles are ASCII. */
const UNICODE_CLASS = /\\[pPx0-7]|[^\0-\x7f]/gu;
/**
 * In instructions. Compiling `(?i)[B-\x{1e900}]` takes re2js 8 ms, because it looks up the case of every character in
 * the range; compiling an instruction takes about 10 µs.
 */
export const UNICODE_COST = 500;

/** Returns an upper bound of what compiling the expression costs, in instructions. */
export function compileCost(source: string): number {
  return expressionSize(source) + UNICODE_COST * (source.match(UNICODE_CLASS)?.length ?? 0);
}

/** Returns the approximate number of instructions of the expression with every `{n,m}` written out. */
export function expressionSize(source: string): number {
  const outer: number[] = [];
  let group = 0;
  let last = 0;
  for (const [token, least, most] of source.matchAll(EXPRESSION_TOKEN)) {
    if (token === "(") {
      outer.push(group);
      group = 0;
    } else if (token === ")") {
      last = group;
      group += outer.pop() ?? 0;
    } else if (least !== undefined) {
      const times = Math.max(Number(least), Number(most ?? 0), 1);
      group += last * (times - 1);
      last *= times;
    } else {
      last = token.startsWith("\\Q") ? token.length : 1;
      group += last;
    }
  }
  return group + outer.reduce((sum, size) => sum + size, 0);
}
