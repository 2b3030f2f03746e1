// What an unquoted scalar means to kubectl, which reads YAML 1.1 through sigs.k8s.io/yaml (go-yaml v2, resolve.go:
// https://github.com/yaml/go-yaml/blob/v2.4.4/resolve.go): `yes` and `off` are booleans, 0400 is octal, 1_000 is a
// number.

const SCALAR_WORDS: ReadonlyMap<string, boolean | null | number> = new Map<string, boolean | null | number>([
  ...["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"].map((word) => [word, true] as const),
  ...["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"].map((word) => [word, false] as const),
  ...["", "~", "null", "Null", "NULL"].map((word) => [word, null] as const),
  ...[".nan", ".NaN", ".NAN"].map((word) => [word, Number.NaN] as const),
  ...[".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"].map((word) => [word, Number.POSITIVE_INFINITY] as const),
  ...["-.inf", "-.Inf", "-.INF"].map((word) => [word, Number.NEGATIVE_INFINITY] as const),
]);

const WITH_BASE = /^([-+]?)0(?:[xX]([0-9a-fA-F]+)|[bB]([01]+)|[oO]?([0-7]+))$/;
const DECIMAL_NUMBER = /^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/;

/** The value of an unquoted scalar without a tag. Dates and times stay text, as in the JSON that kubectl sends. */
export function resolvePlainScalar(text: string): string | number | boolean | null {
  const word = SCALAR_WORDS.get(text);
  if (word !== undefined) return word;
  if (!/^[-+.0-9]/.test(text)) return text;
  const digits = text.replaceAll("_", "");
  const [, sign, hex, binary, octal] = WITH_BASE.exec(digits) ?? [];
  const [number, base] = hex ? [hex, 16] : binary ? [binary, 2] : [octal, 8];
  if (number !== undefined) return Number.parseInt(`${sign}${number}`, base);
  if (!DECIMAL_NUMBER.test(digits)) return text;
  const value = Number(digits);
  return Number.isFinite(value) ? value : text;
}

/**
 * Texts that a reader of YAML 1.1 or 1.2 takes for text without quotes: no word, number, date or indicator among them.
 */
const CERTAINLY_TEXT = /^[A-Za-z/][\w./-]*(?:[:@=][\w./-]+)*$/;

/** True for a text that some reader of YAML could take for something else if it is not quoted. */
export function needsQuotes(text: string): boolean {
  return !CERTAINLY_TEXT.test(text) || SCALAR_WORDS.has(text);
}
