import assert from "node:assert/strict";
import { test } from "node:test";
import { ERRORS } from "../../../src/protocol/errors.ts";
import { terminationMessage, writeTerminationMessage } from "../../../src/sidecar/files/termination-message.ts";
import { createKeptLog } from "../../fakes/log.ts";

test("terminationMessage() returns code and remedy within the 4096 bytes that the kubelet stores", () => {
  const text = terminationMessage({ code: "STS_INVALID", message: "ü".repeat(5_000) });
  assert.ok(Buffer.byteLength(text) <= 4_096);
  assert.ok(text.startsWith("STS_INVALID: ü"));
  assert.ok(text.endsWith(ERRORS.STS_INVALID.remedy));
});

test("writeTerminationMessage() logs the reason also when it cannot write a file", () => {
  for (const terminationMessageFile of [undefined, "/proc/nowhere"]) {
    const { log, lines } = createKeptLog();
    writeTerminationMessage(log, { terminationMessageFile }, { code: "STS_DENIED", message: "Cannot assume" });
    assert.deepEqual([lines[0]?.["code"], lines[0]?.["reason"]], ["STS_DENIED", "Cannot assume"]);
    assert.equal(lines[0]?.["remedy"], ERRORS.STS_DENIED.remedy);
    assert.equal(lines.length, terminationMessageFile === undefined ? 1 : 2);
  }
});
