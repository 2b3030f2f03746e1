import assert from "node:assert/strict";
import { test } from "node:test";
import { splitLines } from "../../src/kubernetes/lines.ts";
import { fc } from "../property.ts";

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: string[] = [];
  for await (const line of splitLines(stream())) lines.push(line);
  return lines;
}

test("splitLines() yields the same lines wherever the chunks end", async () => {
  const line = fc.string({ unit: "grapheme" }).map((text) => text.replaceAll("\n", ""));
  await fc.assert(
    fc.asyncProperty(fc.array(line), fc.array(fc.nat(200)), async (lines, cuts) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(""));
      const ends = [...cuts.filter((cut) => cut < bytes.length).toSorted((a, b) => a - b), bytes.length];
      const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      assert.deepEqual(await linesOf(chunks), lines);
    }),
  );
});

test("splitLines() drops a last line that was cut off", async () => {
  assert.deepEqual(await linesOf([Buffer.from('{"a":1}\n{"b"')]), ['{"a":1}']);
});

test("splitLines() reads a line of 2 MiB that comes in chunks of 16 bytes", async () => {
  // When each chunk was joined with all before it and searched anew, this took minutes.
  const text = "0123456789abcdé".repeat(2 ** 17);
  const bytes = Buffer.from(`${text}\n`);
  const chunks = Array.from({ length: Math.ceil(bytes.length / 16) }, (_, index) =>
    bytes.subarray(16 * index, 16 * (index + 1)),
  );
  assert.deepEqual(await linesOf(chunks), [text]);
});

test("splitLines() throws for a line without an end", async () => {
  const chunk = Buffer.alloc(9 * 1024 * 1024, "x");
  await assert.rejects(linesOf([chunk, chunk]), /^Error: Cannot read a watch: a line has more/);
});
