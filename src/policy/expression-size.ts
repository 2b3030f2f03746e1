// Estimates what an expression costs before it is compiled: "((a{99}){99}){9}" is short and huge. A bound for budgets,
// not a parser: RE2 itself checks the syntax, and has a limit of its own after this one.

/**
 * Quoted text, an escape, a class, a counted repetition, flags or the beginning of a group that captures nothing, or
 * any other character. A token that is opened and never closed extends to the end, so that no text is scanned twice.
 */
const EXPRESSION_TOKEN =
  /\\Q[^]*?(?:\\E|$)|\\[^]|\[\^?\]?(?:\\[^]|\[:\w+:\]|[^\]\\])*(?:\]|\\?$)|\{(\d+)(?:,(\d*))?\}|\(\?[a-zA-Z-]*[:)]|[^]/gu;
/** A group that captures has one at its beginning and one at its end, also if nothing is in it. */
const CAPTURE_INSTRUCTIONS = 2;
/** Of `|`: the choice, and an alternative that is empty. Of `*` after what may be empty: those of `+` and `?`. */
const OPERATOR_INSTRUCTIONS = 2;
/** Flags, and quoted text that is empty: RE2 pushes nothing for them, and repeats what stands before them. */
const NOTHING = /^(?:\(\?[a-zA-Z-]*\)|\\Q(?:\\E)?)$/;
/** More than any limit. Sums of it are still exact; those of Infinity would be NaN, which is less than no limit. */
const MAX_SIZE = 1e9;

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
  const outer: OpenGroup[] = [];
  let open: OpenGroup = { size: 0, overhead: 0 };
  let last = 0;
  for (const [token, least, most] of source.matchAll(EXPRESSION_TOKEN)) {
    const isGroup = token === "(" || (token.startsWith("(?") && token.endsWith(":"));
    if (isGroup) {
      outer.push(open);
      open = { size: 0, overhead: token === "(" ? CAPTURE_INSTRUCTIONS : 0 };
      continue;
    }
    if (NOTHING.test(token)) continue;
    const once = last;
    if (token === ")") {
      last = Math.max(open.size, 1) + open.overhead;
      open = outer.pop() ?? { size: 0, overhead: 0 };
      open.size += last;
    } else if (least !== undefined) {
      last = Math.min(repeatedSize(once, Number(least), most), MAX_SIZE);
      open.size += last - once;
    } else {
      const size = sizeOfToken(token);
      // With flags between them, a repetition can be repeated.
      last = isOperator(token) ? once + size : size;
      open.size += size;
    }
  }
  return outer.reduce((sum, { size }) => sum + size, open.size);
}

function sizeOfToken(token: string): number {
  if (token === "|" || token === "*") return OPERATOR_INSTRUCTIONS;
  return token.startsWith("\\Q") ? token.length : 1;
}

function isOperator(token: string): boolean {
  return token === "*" || token === "+" || token === "?";
}

/** A group whose end has not been read. */
interface OpenGroup {
  /** Of what has been read. */
  size: number;
  readonly overhead: number;
}

/** Each copy that may be absent takes an instruction more. */
function repeatedSize(once: number, least: number, most: string | undefined): number {
  const copies = Math.max(least, Number(most ?? 0), 1);
  if (most === undefined) return copies * once;
  return copies * once + (most === "" ? OPERATOR_INSTRUCTIONS : Math.max(Number(most) - least, 0));
}
