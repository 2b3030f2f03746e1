import assert from "node:assert/strict";
import { test } from "node:test";
import { format, inspect } from "node:util";
import { createLog } from "../../src/runtime/log.ts";
import { Secret } from "../../src/runtime/secret.ts";

const VALUE = "wJalrXUtnFEMI";

test("toString(), toJSON() and inspect() never print the text of a Secret", () => {
  const secret = new Secret(VALUE);
  const lines: string[] = [];
  const log = createLog("test", "debug", { write: (line) => lines.push(line) });
  log.info({ secret, deep: { er: [secret] } }, `with ${String(secret)}`);
  log.error({ err: new TypeError("failed", { cause: { secret } }) }, "failed");
  const written = [
    String(secret),
    JSON.stringify({ secret }),
    inspect({ deep: [{ secret }] }, { depth: 9, showHidden: true }),
    format("%s %o %j", secret, secret, secret),
    Object.entries(secret).join(),
    ...lines,
  ];
  for (const text of written) assert.ok(!text.includes(VALUE), text);
  assert.match(lines[0] ?? "", /\[secret\]/);
});

test("Secret.reveal() returns the text", () => {
  assert.equal(new Secret(VALUE).reveal(), VALUE);
});

test("createLog() hides plain texts in fields with the names of secrets", () => {
  const lines: string[] = [];
  const log = createLog("test", "info", { write: (line) => lines.push(line) });
  log.info({ token: VALUE, call: { authorization: VALUE } }, "asked");
  assert.doesNotMatch(lines.join(), new RegExp(VALUE));
});
