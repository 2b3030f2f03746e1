// Estimates the size of an expression's program before it is compiled: "((a{99}){99}){9}" is short and huge. A bound
// for budgets, not a parser: RE2 itself checks the syntax, and has a limit of its own after this one.

/**
 * Quoted text, an escape, a class, a counted repetition, or any other character. A token that is opened and never
 * closed extends to the end, so that no text is scanned twice.
 */
const TOKEN = /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\\[^]|\[:\w+:\]|[^\]\\])*(?:\]|\\?$)|\{(\d+)(?:,(\d*))?\}|[^]/gu;

/** Returns the approximate number of instructions of the expression with every `{n,m}` written out. */
export function expressionSize(source: string): number {
  const outer: number[] = [];
  let group = 0;
  let last = 0;
  for (const [token, least, most] of source.matchAll(TOKEN)) {
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
