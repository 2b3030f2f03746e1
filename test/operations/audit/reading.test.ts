// Lines and records: what others wrote around podrole's lines, and any bytes at all.
import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { readApiEvent } from "../../../src/operations/audit/api-audit.ts";
import { readCalls } from "../../../src/operations/audit/cloudtrail.ts";
import { linesOf } from "../../../src/operations/audit/lines.ts";
import { timeParser } from "../../../src/operations/audit/options.ts";
import { readRecord } from "../../../src/operations/audit/records.ts";
import { tableOf } from "../../../src/operations/audit/table.ts";
import { admission, ask, call, certificate, creation, credentials } from "./samples.ts";

async function* chunked(bytes: Uint8Array, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function read(bytes: Uint8Array, size: number, longest?: number) {
  const lines: string[] = [];
  let tooLong = 0;
  const hooks = { onTooLong: () => void (tooLong += 1), ...(longest !== undefined && { longest }) };
  for await (const batch of linesOf(chunked(bytes, size), hooks)) lines.push(...batch);
  return { lines, tooLong };
}

suite("linesOf()", () => {
  test("gives the same lines however the bytes are cut, plain or compressed", async () => {
    const property = fc.asyncProperty(
      fc.array(fc.string({ unit: "grapheme" }).filter((text) => !text.includes("\n"))),
      fc.integer({ min: 2, max: 40 }),
      fc.boolean(),
      async (wanted, size, compressed) => {
        const bytes = Buffer.from(wanted.map((line) => `${line}\n`).join(""));
        const { lines } = await read(compressed ? gzipSync(bytes) : bytes, size);
        // A byte order mark at the very start belongs to no line.
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

  test("leaves out a line that is too long for a record, says so, and goes on", async () => {
    const text = `short\n${"x".repeat(5_000)}\nnext\n${"y".repeat(5_000)}`;
    const { lines, tooLong } = await read(Buffer.from(text), 100, 1_000);
    assert.deepEqual([lines, tooLong], [["short", "next"], 2]);
  });

  test("gives a last line without an end", async () => {
    assert.deepEqual((await read(Buffer.from("a\nb"), 2)).lines, ["a", "b"]);
  });
});

suite("readRecord()", () => {
  const line = JSON.stringify(credentials());
  const quoting = JSON.stringify({ level: 40, program: "server", message: `Cannot read it: ${line}` });
  for (const [name, wrapped] of [
    ["as podrole wrote it", quoting],
    ["as Docker keeps it", JSON.stringify({ log: `${quoting}\n`, stream: "stdout" })],
  ] as const) {
    test(`takes a record that podrole's log only quotes for none, ${name}`, () => {
      assert.equal(readRecord(wrapped), undefined);
    });
  }

  for (const [name, wrapped] of [
    ["as podrole wrote it", line],
    ["after kubectl logs --prefix", `[pod/podrole-server-5d9f/server] ${line}`],
    ["in a container runtime's file", `2026-11-26T08:00:02.000000000Z stdout F ${line}`],
    ["as Docker keeps it", JSON.stringify({ log: `${line}\n`, stream: "stdout" })],
    ["as journald keeps it", JSON.stringify({ MESSAGE: line, PRIORITY: "6" })],
    ["as a collector keeps it", JSON.stringify({ message: line, kubernetes: { pod_name: "podrole-server" } })],
    ["as Cloud Logging keeps it", JSON.stringify({ jsonPayload: credentials(), severity: "INFO" })],
  ] as const) {
    test(`reads a record ${name}`, () => {
      const record = readRecord(wrapped);
      assert.ok(record?.kind === "credentials", JSON.stringify(record));
      assert.deepEqual([record.accessKeyId, record.at], ["ASIAEXAMPLE000000001", Date.parse("2026-11-26T08:00:02Z")]);
    });
  }

  for (const [name, other] of [
    ["an audit event of the API server", JSON.stringify(creation())],
    ["a record of a kind that is none", JSON.stringify(credentials({ audit: "login" }))],
    ["a record without a time", JSON.stringify(credentials({ time: undefined }))],
    ["a record without a decision", JSON.stringify(admission({ decision: 7 }))],
    ["a record that is cut off", line.slice(0, -5)],
    ["an array", `[${line}]`],
  ] as const) {
    test(`takes ${name} for somebody else's line`, () => assert.equal(readRecord(other), undefined));
  }
});

suite("any bytes", () => {
  /** Records with anything at all in the place of any field. */
  const bent = fc
    .tuple(
      fc.constantFrom(admission, certificate, credentials, creation, call),
      fc.dictionary(fc.string(), fc.jsonValue()),
    )
    .map(([make, fields]) => JSON.stringify({ ...make(), ...fields }));
  const misplaced = fc
    .tuple(
      fc.constantFrom(
        ...[admission(), certificate(), credentials(), creation(), call()].flatMap((record) =>
          Object.keys(record).map((key) => [record, key] as const),
        ),
      ),
      fc.jsonValue(),
    )
    .map(([[record, key], value]) => JSON.stringify({ ...record, [key]: value }));
  const text = fc.oneof(
    fc.string(),
    fc.json(),
    bent,
    misplaced,
    misplaced.map((line) => line.slice(0, line.length / 2)),
  );

  test("are no record, or one: no reader throws", () => {
    fc.assert(
      fc.property(text, (line) => {
        readRecord(line);
        readApiEvent(line);
        readCalls(line);
      }),
      { numRuns: 2_000 },
    );
  });

  test("are answered: no question throws, and what is printed steers no terminal", async () => {
    const question = fc.constantFrom(["who"], ["pod", "shop/orders"], ["key", "ASIAEXAMPLE000000001"], ["refusals"]);
    const property = fc.asyncProperty(
      question,
      fc.constantFrom("table", "json"),
      fc.array(text),
      async (words, output, lines) => {
        const { exitCode, out } = await ask(words, { role: "shop-orders", output }, lines);
        assert.equal(exitCode, 0);
        if (output === "json") assert.ok(Array.isArray(JSON.parse(out)));
        // oxlint-disable-next-line no-control-regex
        else assert.doesNotMatch(out.replaceAll("\n", ""), /[\u0000-\u001f\u007f-\u009f]/);
      },
    );
    await fc.assert(property, { numRuns: 200 });
  });
});

suite("readCalls()", () => {
  const wanted = [{ accessKeyId: "ASIAEXAMPLE000000001", action: "s3:GetObject" }];
  for (const [name, document] of [
    ["one record", call()],
    ["a file of CloudTrail's", { Records: [call()] }],
    ["a list", [call()]],
    ["what lookup-events prints", { Events: [{ EventName: "GetObject", CloudTrailEvent: JSON.stringify(call()) }] }],
  ] as const) {
    test(`reads ${name}`, () => {
      const calls = readCalls(JSON.stringify(document))?.map(({ accessKeyId, action }) => ({ accessKeyId, action }));
      assert.deepEqual(calls, wanted);
    });
  }

  test("passes over calls without an access key, and says no to what is no record", () => {
    assert.deepEqual(readCalls(JSON.stringify(call({ userIdentity: { type: "AWSService" } }))), []);
    for (const other of ['{"kind":"Event"}', "{", "7"]) assert.equal(readCalls(other), undefined);
  });
});

suite("timeParser()", () => {
  const now = Date.parse("2026-11-26T12:00:00Z");
  for (const [given, wanted] of [
    ["2h", "2026-11-26T10:00:00.000Z"],
    ["1h30m", "2026-11-26T10:30:00.000Z"],
    ["7d", "2026-11-19T12:00:00.000Z"],
    ["1d12h", "2026-11-25T00:00:00.000Z"],
    ["2026-11-26T08:00:00+02:00", "2026-11-26T06:00:00.000Z"],
  ] as const) {
    test(`takes ${given}`, () => assert.equal(new Date(timeParser(now).parse(given) ?? 0).toISOString(), wanted));
  }
  for (const given of ["", "h", "-2h", "2w", "yesterday", "2026", "2026-13-40T00:00:00Z"]) {
    test(`refuses "${given}"`, () => assert.equal(timeParser(now).parse(given), undefined));
  }
});

test("tableOf() makes columns as wide as what stands in them", () => {
  assert.equal(
    tableOf(
      ["A", "LONG"],
      [
        ["wide one", "x"],
        ["y", ""],
      ],
    ),
    "A          LONG\nwide one   x\ny\n",
  );
});
