// Amounts of resources such as "100m", "64Mi", "1.5" and "2e3", with the semantics of apimachinery's ParseQuantity.
// Pure: any room may import it.
// (https://github.com/kubernetes/apimachinery/blob/master/pkg/api/resource/quantity.go)

/** Base and exponent of each suffix. "" and the decimal suffixes are powers of 10, the binary ones powers of 2. */
const QUANTITY_SUFFIXES: Readonly<Record<string, readonly [base: 2 | 10, exponent: number]>> = {
  n: [10, -9],
  u: [10, -6],
  m: [10, -3],
  "": [10, 0],
  k: [10, 3],
  M: [10, 6],
  G: [10, 9],
  T: [10, 12],
  P: [10, 15],
  E: [10, 18],
  Ki: [2, 10],
  Mi: [2, 20],
  Gi: [2, 30],
  Ti: [2, 40],
  Pi: [2, 50],
  Ei: [2, 60],
};

/** The smallest amount is 1n, so every quantity is a whole number of nano units. */
const NANO_DIGITS = 9;

/** apimachinery caps quantities with a binary suffix at the largest int64. */
const MAX_BINARY = (2n ** 63n - 1n) * 10n ** BigInt(NANO_DIGITS);

/** Limits of this parser, because longer numbers take long to compute. No amount of a resource comes near them. */
const MAX_LENGTH = 128;
const MAX_DECIMAL_EXPONENT = 999;

const QUANTITY_PATTERN = /^([+-]?)(\d*)(?:\.(\d*))?([a-zA-Z]*(?:[+-]?\d+)?)$/;

/**
 * Parses a quantity into nano units (1e-9 cores or bytes), so that equal amounts are equal bigints: "1500m" and "1.5"
 * are both 1500000000n. Amounts below 1n are rounded away from zero. Returns undefined for a value that is not a
 * quantity.
 */
export function parseQuantity(value: unknown): bigint | undefined {
  if (typeof value !== "string" && typeof value !== "number") return undefined;
  const text = String(value);
  if (text === "" || text.length > MAX_LENGTH) return undefined;
  const [, sign, whole = "", fraction = "", suffix] = QUANTITY_PATTERN.exec(text) ?? [];
  const factor = suffix === undefined ? undefined : factorOf(suffix);
  if (factor === undefined) return undefined;
  const [base, exponent] = factor;
  const digits = BigInt(whole + fraction || "0") * (base === 2 ? 2n ** BigInt(exponent) : 1n);
  const shift = NANO_DIGITS - fraction.length + (base === 10 ? exponent : 0);
  const nanos = shift >= 0 ? digits * 10n ** BigInt(shift) : dividedRoundingUp(digits, 10n ** BigInt(-shift));
  const amount = base === 2 && nanos > MAX_BINARY ? MAX_BINARY : nanos;
  return sign === "-" ? -amount : amount;
}

const NANOS = 10n ** BigInt(NANO_DIGITS);
const MEBIBYTE = 2n ** 20n * NANOS;

/** Writes nano units: CPU in cores or millicores, memory in mebibytes or bytes; parts of a unit are dropped. */
export function formatQuantity(nanos: bigint, resource: "cpu" | "memory"): string {
  if (resource === "cpu") return nanos % NANOS === 0n ? String(nanos / NANOS) : `${(nanos * 1_000n) / NANOS}m`;
  return nanos % MEBIBYTE === 0n ? `${nanos / MEBIBYTE}Mi` : String(nanos / NANOS);
}

/** "e3", "E-3" and "e+3" are decimal exponents; "E" alone is the suffix of 10^18. */
function factorOf(suffix: string): readonly [base: 2 | 10, exponent: number] | undefined {
  if (Object.hasOwn(QUANTITY_SUFFIXES, suffix)) return QUANTITY_SUFFIXES[suffix];
  const [, digits] = /^[eE]([+-]?\d+)$/.exec(suffix) ?? [];
  if (digits === undefined || Math.abs(Number(digits)) > MAX_DECIMAL_EXPONENT) return undefined;
  return [10, Number(digits)];
}

function dividedRoundingUp(dividend: bigint, divisor: bigint): bigint {
  return (dividend + divisor - 1n) / divisor;
}
