import assert from "node:assert/strict";
import { test } from "node:test";
import { formatFlags, parseFlags } from "../../src/sidecar/arguments.ts";
import { SIDECAR_SETTINGS } from "../../src/sidecar/settings.ts";

test("parseFlags() reads a value after the equals sign and as the next argument", () => {
  assert.deepEqual(parseFlags(["--server-address=a:1", "--port", "0", "--trust-bundle=a=b"], SIDECAR_SETTINGS), {
    ok: true,
    value: { serverAddress: "a:1", port: "0", trustBundle: "a=b" },
  });
});

test("parseFlags() reports every argument that it cannot use", () => {
  assert.deepEqual(parseFlags(["--server-adress=a:1", "stray", "--port"], SIDECAR_SETTINGS), {
    ok: false,
    problems: ["--server-adress: unknown flag", "stray: unknown flag", "--port: the value is missing"],
  });
});

test("formatFlags() returns arguments that parseFlags() reads back", () => {
  const flags = { serverAddress: "a:1", trustBundle: "x\ny=z" };
  assert.deepEqual(parseFlags(formatFlags(flags), SIDECAR_SETTINGS), { ok: true, value: flags });
});
