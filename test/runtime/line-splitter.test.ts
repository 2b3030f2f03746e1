import assert from "node:assert/strict";
import { test } from "node:test";
import { createLineSplitter } from "../../src/runtime/line-splitter.ts";
import { fc } from "../property.ts";

function split(chunks: readonly Uint8Array[], maxBytes: number) {
  let tooLong = 0;
  const splitter = createLineSplitter({ maxBytes, onTooLong: () => void (tooLong += 1) });
  const lines = chunks.flatMap((chunk) => splitter.push(chunk));
  return { lines, rest: splitter.rest(), tooLong };
}

test("createLineSplitter() returns the same lines and the same rest wherever the chunks end", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom("a", "é", "🔑", "\n") }),
      fc.integer({ min: 1, max: 9 }),
      (text, size) => {
        const bytes = Buffer.from(text);
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, index) =>
          bytes.subarray(index * size, (index + 1) * size),
        );
        const lines = text.split("\n");
        assert.deepEqual(split(chunks, 1_000), { rest: lines.pop(), lines, tooLong: 0 });
      },
    ),
  );
});

test("createLineSplitter() skips a line that is too long, and reports it once", () => {
  const chunks = ["short\nlo", "ng-", "er\nnext\n", "too long again"].map((text) => Buffer.from(text));
  assert.deepEqual(split(chunks, 4), { lines: ["short", "next"], rest: "", tooLong: 2 });
});

test("createLineSplitter() throws what its callback throws", () => {
  const splitter = createLineSplitter({
    maxBytes: 1,
    onTooLong() {
      throw new RangeError("too long");
    },
  });
  assert.throws(() => splitter.push(Buffer.from("ab")), /too long/);
});
