import assert from "node:assert/strict";
import { test } from "node:test";
import { type StreamLine, splitLines } from "../../src/kubernetes/lines.ts";
import { fc } from "../property.ts";

async function split(chunks: readonly Uint8Array[], maxBytes = 16 * 1024 * 1024): Promise<StreamLine[]> {
  async function* stream() {
    yield* chunks;
  }
  const lines: StreamLine[] = [];
  for await (const line of splitLines(stream(), { maxBytes })) lines.push(line);
  return lines;
}

async function linesOf(chunks: readonly Uint8Array[]): Promise<string[]> {
  const lines = await split(chunks);
  assert.ok(lines.every(({ isWhole }) => isWhole));
  return lines.map(({ text }) => text);
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

test("splitLines() yields the beginning of a line that is too long, in its place, and skips the rest", async () => {
  const long = "0123456789".repeat(1_000);
  const chunks = [`first\n${long.slice(0, 500)}`, long.slice(500), `${long}\nlast\n`].map((text) => Buffer.from(text));
  assert.deepEqual(await split(chunks, 6_000), [
    { text: "first", isWhole: true },
    { text: long.slice(0, 4 * 1024), isWhole: false },
    { text: "last", isWhole: true },
  ]);
});
