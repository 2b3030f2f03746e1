import assert from "node:assert/strict";
import { test } from "node:test";
import * as der from "../../src/pki/der.ts";
import { fc } from "../property.ts";

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

const ENCODINGS: readonly (readonly [string, der.Der, string])[] = [
  ["sequence() of nothing", der.sequence(), "3000"],
  ["set() in sequence()", der.sequence(der.set(der.yes())), "3005 3103 0101ff"],
  ["oid() with arcs of several bytes", der.oid("1.2.840.113549.1.1.11"), "0609 2a864886f70d01010b"],
  ["octets()", der.octets(Buffer.of(0, 255)), "0402 00ff"],
  ["utf8() beyond ASCII", der.utf8("ä"), "0c02 c3a4"],
  ["nothing()", der.nothing(), "0500"],
  ["integer() zero", der.integer(0), "0201 00"],
  ["integer() with the high bit set", der.integer(0x80, 1), "0203 008001"],
  ["bits() with unused ones", der.bits(Buffer.of(0x80), 7), "0302 0780"],
  ["tagged()", der.tagged(3, der.nothing()), "a302 0500"],
  ["taggedBytes()", der.taggedBytes(6, Buffer.from("a:b")), "8603 613a62"],
  ["octets() of 128 bytes", der.octets(Buffer.alloc(128)), `048180 ${"00".repeat(128)}`],
  ["octets() of 256 bytes", der.octets(Buffer.alloc(256)), `04820100 ${"00".repeat(256)}`],
  [
    "time() in the last second of UTCTime",
    der.time(Date.UTC(2049, 11, 31, 23, 59, 59, 999)),
    `170d ${Buffer.from("491231235959Z").toString("hex")}`,
  ],
  [
    "time() in the first second of GeneralizedTime",
    der.time(Date.UTC(2050, 0, 1)),
    `180f ${Buffer.from("20500101000000Z").toString("hex")}`,
  ],
];

for (const [name, value, expected] of ENCODINGS) {
  test(`encode() writes ${name} as DER, and decode() reads it back`, () => {
    assert.equal(der.encodeDer(value).toString("hex"), expected.replaceAll(" ", ""));
    const read = der.decodeDer(der.encodeDer(value));
    assert.ok(der.isSameDer(read, value));
  });
}

const nest = (depth: number): Buffer => {
  let bytes = hex("0500");
  for (let i = 0; i < depth; i++) bytes = der.encodeDer(der.sequence(der.decodeDer(bytes) ?? der.nothing()));
  return bytes;
};

const REFUSED: readonly (readonly [string, Buffer])[] = [
  ["no bytes", hex("")],
  ["a lone tag", hex("30")],
  ["a truncated value", hex("0404 010203")],
  ["a truncated child", hex("3003 0402 01")],
  ["a child longer than its parent", hex("3003 0405 0102030405")],
  ["trailing bytes", hex("0500 00")],
  ["two values", hex("0500 0500")],
  ["a length of 2^31-1", hex("0484 7fffffff 00")],
  ["a length with the sign bit of 32 bits", hex("0484 80000001 00")],
  ["a length that wraps around 32 bits", hex("0485 0100000001 00")],
  ["a length of 2^1008", hex(`04fe ${"ff".repeat(126)}`)],
  ["a length of an indefinite number of bytes", hex("04ff 00")],
  ["an indefinite length", hex("3080 0500 0000")],
  ["a length in more bytes than needed", hex("0481 01 00")],
  ["an INTEGER with a needless zero", hex("0202 0001")],
  ["a tag of several bytes", hex("1f02 0101")],
  ["a tag of several bytes inside", hex("3004 9f02 0101")],
  ["more than 64 KiB", der.encodeDer(der.octets(Buffer.alloc(64 * 1024)))],
  ["thousands of opening tags", Buffer.alloc(32_768, hex("3080"))],
  ["thousands of opening tags with lengths", Buffer.alloc(32_768, hex("307f"))],
];

for (const [name, bytes] of REFUSED) {
  test(`decode() refuses ${name}`, () => assert.equal(der.decodeDer(bytes), undefined));
}

test("decode() reads sixteen levels and refuses the seventeenth", () => {
  const deepest = nest(15);
  assert.ok(der.decodeDer(deepest));
  assert.equal(der.decodeDer(Buffer.concat([Buffer.of(0x30, deepest.length), deepest])), undefined);
});

test("decode() does not decode the content of a BIT STRING", () => {
  const value = der.bits(hex("3003 020101"));
  assert.deepEqual(der.wholeBits(der.decodeDer(der.encodeDer(value))), hex("3003 020101"));
});

test("fields(), wholeBits(), wholeOctets() and content() return undefined for other types", () => {
  assert.equal(der.fields(der.set()), undefined);
  assert.equal(der.fields(der.tagged(16)), undefined);
  assert.equal(der.fields(der.octets(hex("3000"))), undefined);
  assert.equal(der.wholeBits(der.octets(hex("00"))), undefined);
  assert.equal(der.wholeBits(der.bits(hex("80"), 7)), undefined);
  assert.equal(der.wholeOctets(der.bits(hex("00"))), undefined);
  assert.equal(der.content(der.sequence()), undefined);
  assert.equal(der.content(undefined), undefined);
  assert.equal(der.isSameDer(undefined, der.nothing()), false);
});

const leaf: fc.Arbitrary<der.Der> = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => der.octets(bytes)),
  fc.uint8Array({ maxLength: 40 }).map((bytes) => der.bits(bytes)),
  fc.string({ unit: "binary", maxLength: 40 }).map(der.utf8),
  fc.integer({ min: 0, max: 30 }).map((tag) => der.taggedBytes(tag, Buffer.of(1, 2))),
  fc.constantFrom(der.yes(), der.nothing(), der.integer(1, 2, 3), der.oid("2.5.29.17")),
);
const tree: fc.Arbitrary<der.Der> = fc.letrec<{ node: der.Der }>((tie) => ({
  node: fc.oneof(
    { maxDepth: 6 },
    leaf,
    fc.array(tie("node"), { maxLength: 4 }).map((parts) => der.sequence(...parts)),
    fc.array(tie("node"), { maxLength: 4 }).map((parts) => der.tagged(3, ...parts)),
  ),
})).node;

test("decode() returns the encoded value", () => {
  fc.assert(
    fc.property(tree, (value) => {
      const bytes = der.encodeDer(value);
      const read = der.decodeDer(bytes);
      assert.ok(read && der.encodeDer(read).equals(bytes));
    }),
    { numRuns: 300 },
  );
});

test("decode() of arbitrary bytes never throws, and its results encode to the same bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const read = der.decodeDer(bytes);
      if (read) assert.ok(der.encodeDer(read).equals(bytes));
    }),
    { numRuns: 3000 },
  );
});
