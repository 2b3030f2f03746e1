import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import { lineBatches } from "../../../../src/operations/audit/logs/lines.ts";
import { fc } from "../../../property.ts";

async function* chunked(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size: number, longest?: number) {
  const lines: string[] = [];
  let tooLong = 0;
  const hooks = { onTooLong: () => void (tooLong += 1), ...(longest !== undefined && { longest }) };
  for await (const batch of lineBatches(chunked(bytes, size), hooks)) lines.push(...batch);
  return { lines, tooLong };
}

suite("lineBatches()", () => {
  test("yields the same lines however the bytes are split, plain or compressed", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\n"))),
      fc.integer({ min: 2, max: 40 }),
      fc.boolean(),
      async (texts, size, compressed) => {
        const bytes = Buffer.from(texts.map((line) => `${line}\n`).join(""));
        const { lines } = await read(compressed ? gzipSync(bytes) : bytes, size);
        // A byte order mark at the start is not part of a line.
        assert.deepEqual(
          lines,
          bytes
            .toString()
            .replace(/^\ufeff/, "")
            .split("\n")
            .slice(0, -1),
        );
      },
    );
    await fc.assert(property, { numRuns: 100 });
  });

  test("skips and reports a line that is too long for a record", async () => {
    const text = `short\n${"x".repeat(5_000)}\nnext\n${"y".repeat(5_000)}`;
    const { lines, tooLong } = await read(Buffer.from(text), 100, 1_000);
    assert.deepEqual([lines, tooLong], [["short", "next"], 2]);
  });

  test("yields a last line without a line end", async () => {
    assert.deepEqual((await read(Buffer.from("a\nb"), 2)).lines, ["a", "b"]);
  });
});
