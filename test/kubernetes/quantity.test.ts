// Amounts and refusals as in TestQuantityParse of apimachinery, in nano units.
// (https://github.com/kubernetes/apimachinery/blob/master/pkg/api/resource/quantity_test.go)
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { parseQuantity } from "../../src/kubernetes/quantity.ts";

/** [text, whole number, exponent of its factor 10^n]. */
const AMOUNTS: readonly (readonly [text: string, mantissa: number | bigint, exponent: number])[] = [
  ...["0", "0n", "0u", "0m", "0Ki", "0k", "0Mi", "0M", "0Gi", "0G", "0Ti", "0T"].map((text) => [text, 0, 0] as const),
  ["1", 1, 0],
  ["1Ki", 1024, 0],
  ["8Ki", 8 * 2 ** 10, 0],
  ["7Mi", 7 * 2 ** 20, 0],
  ["6Gi", 6 * 2 ** 30, 0],
  ["5Ti", 5 * 2 ** 40, 0],
  ["4Pi", 4n * 2n ** 50n, 0],
  ["3Ei", 3n * 2n ** 60n, 0],
  ["100Ti", 100n * 2n ** 40n, 0],
  ["5n", 5, -9],
  ["4u", 4, -6],
  ["3m", 3, -3],
  ["9", 9, 0],
  ["8k", 8, 3],
  ["50k", 5, 4],
  ["7M", 7, 6],
  ["6G", 6, 9],
  ["5T", 5, 12],
  ["300T", 3, 14],
  ["2P", 2, 15],
  ["1E", 1, 18],
  ["1E-3", 1, -3],
  ["1e3", 1, 3],
  ["1E6", 1, 6],
  ["1E18", 1, 18],
  ["1e14", 1, 14],
  ["100.035k", 100_035, 0],
  ["0.001", 1, -3],
  ["0.0005k", 5, -1],
  ["0.50000", 5, -1],
  ["0.5e0", 5, -1],
  ["0.5e-2", 5, -3],
  ["10.035M", 10_035, 3],
  ["1.3E+6", 13, 5],
  ["1.7E18", 17, 17],
  ["6.987654321G", 6_987_654_321, 0],
  ["1.01E", 101, 16],
  ["3.001n", 4, -9],
  ["1.1E-9", 2, -9],
  ["0.0000000001", 1, -9],
  ["0.5e-9", 1, -9],
  ["0.00000012345", 124, -9],
  ["0.00000012354", 124, -9],
  ["9Ei", 2n ** 63n - 1n, 0],
  ["9223372036854775807Ki", 2n ** 63n - 1n, 0],
  ["12E", 12, 18],
  ["100.035Ki", 10_243_584, -2],
  ["0.5Mi", 2 ** 19, 0],
  ["0.05Gi", 536_870_912, -1],
  ["0.025Ti", 274_877_906_944, -1],
  ["0.000000000001Ki", 2, -9],
  [".001", 1, -3],
  [".0001k", 100, -3],
  ["1.", 1, 0],
  ["1.G", 1, 9],
  [".", 0, 0],
];

const INVALID = ["1.1.M", "1+1.0M", "0.1mi", "0.1am", "aoeu", ".5i", "1i", "-3.01i", "-3.01e-", " 1", "1 ", "", "1K"];

function nanos(mantissa: number | bigint, exponent: number): bigint {
  return BigInt(mantissa) * 10n ** BigInt(9 + exponent);
}

suite("parseQuantity()", () => {
  test("returns the amounts that apimachinery parses, without a sign and with either", () => {
    for (const [text, mantissa, exponent] of AMOUNTS) {
      const amount = nanos(mantissa, exponent);
      assert.equal(parseQuantity(text), amount, text);
      assert.equal(parseQuantity(`+${text}`), amount, `+${text}`);
      assert.equal(parseQuantity(`-${text}`), -amount, `-${text}`);
    }
  });

  test("returns undefined for text that apimachinery refuses, and for values that are neither text nor number", () => {
    for (const text of INVALID) assert.equal(parseQuantity(text), undefined, text);
    for (const value of [undefined, null, true, {}, ["1"], Number.NaN]) assert.equal(parseQuantity(value), undefined);
  });

  test("accepts the numbers of YAML and JSON", () => {
    assert.equal(parseQuantity(1.5), nanos(15, -1));
    assert.equal(parseQuantity(1e21), nanos(1, 21));
  });

  test("returns undefined for numbers beyond its limits", () => {
    assert.equal(parseQuantity("1e999"), nanos(1, 999));
    for (const text of ["1e1000", "1e-1000", "1e99999999999", "9".repeat(129)]) {
      assert.equal(parseQuantity(text), undefined, text.slice(0, 20));
    }
  });
});
