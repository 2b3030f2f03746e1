import assert from "node:assert/strict";
import { test } from "node:test";
import type { AuditLine } from "../../src/runtime/audit-line.ts";
import { createLineLog, type LogLevel } from "../../src/runtime/line-log.ts";
import { createAudit, createLog, type Log } from "../../src/runtime/log.ts";
import { Secret } from "../../src/runtime/secret.ts";

function lineLog(level: LogLevel = "debug") {
  const lines: string[] = [];
  const log = createLineLog({ write: (line) => lines.push(line), now: () => 0 }, { program: "test", level });
  return { log, lines };
}

const CASES: readonly (readonly [name: string, write: (log: Log) => void])[] = [
  ["a message", (log) => log.info("hello")],
  ["fields and a message", (log) => log.warn({ code: "NOT_READY", count: 2 }, "hello")],
  ["fields of a child", (log) => log.child({ container: "app" }).error({ a: { b: [1] } }, "hello")],
  ["secrets by type", (log) => log.debug({ value: new Secret("s") }, "hello")],
  ["secrets by name", (log) => log.info({ token: "s", inner: { privateKey: "s" } }, "hello")],
];

for (const [name, write] of CASES) {
  test(`createLineLog() writes the same line as pino: ${name}`, () => {
    const { log, lines } = lineLog();
    const pinoLines: string[] = [];
    write(log);
    write(createLog("test", "debug", { write: (line) => pinoLines.push(line) }));
    const [own, pinos] = [lines, pinoLines].map(([line]) => JSON.parse(line ?? "") as Record<string, unknown>);
    assert.deepEqual({ ...own, time: 0 }, { ...pinos, time: 0 });
    assert.equal(own?.["time"], "1970-01-01T00:00:00.000Z");
    assert.ok(lines[0]?.endsWith("}\n"));
  });
}

test("createLineLog() drops lines below its level", () => {
  const { log, lines } = lineLog("warn");
  log.debug("no");
  log.info({ a: 1 }, "no");
  log.warn("yes");
  log.error("yes");
  assert.equal(lines.length, 2);
});

test("createLineLog() writes an error with its code and causes", () => {
  const { log, lines } = lineLog();
  log.error(
    { err: new TypeError("outer", { cause: Object.assign(new Error("inner"), { code: "ENOENT" }) }) },
    "failed",
  );
  const { err } = JSON.parse(lines[0] ?? "") as { err: { type: string; message: string; cause: { code: string } } };
  assert.deepEqual([err.type, err.message, err.cause.code], ["TypeError", "outer", "ENOENT"]);
});

test("createLineLog() drops fields that cannot be JSON and keeps the message", () => {
  const circle: Record<string, unknown> = {};
  circle["self"] = circle;
  const { log, lines } = lineLog();
  log.info(circle, "round");
  log.info({ large: 1n }, "large");
  assert.deepEqual(
    lines.map((line) => (JSON.parse(line) as { message: string }).message),
    ["round", "large"],
  );
});

for (const [name, fields] of [
  [
    "of every kind",
    { audit: "state", decision: "granted", namespaces: ["a", 'b"token":'], omitted: undefined, ä: 1.5 },
  ],
  [
    "with the names of secrets",
    { audit: "state", token: "s", inner: { sessionToken: "s" }, list: [{ privateKey: "s" }] },
  ],
] as const) {
  test(`createAudit() writes the same line as pino: fields ${name}`, () => {
    const [lines, pinoLines] = [[] as string[], [] as string[]];
    const destination = { write: (line: string) => void lines.push(line) };
    createAudit({ clock: { now: () => 0 }, destination }, { program: "test" })(fields as unknown as AuditLine);
    createLog("test", "info", { write: (line) => void pinoLines.push(line) }).info(fields);
    const atZero = (line = "") => line.replace(/"time":"[^"]+"/, '"time":"1970-01-01T00:00:00.000Z"');
    assert.deepEqual(lines, pinoLines.map(atZero));
    assert.doesNotMatch(lines[0] ?? "", /"s"/);
  });
}
