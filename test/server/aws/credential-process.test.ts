import assert from "node:assert/strict";
import { test } from "node:test";
import { createProcessCredentials } from "../../../src/server/aws/credential-process.ts";
import { createFakeClock } from "../../fakes/clock.ts";

const clock = createFakeClock();
const printing = (program: string, timeoutMs = 10_000) =>
  createProcessCredentials({ clock }, { command: [process.execPath, "-e", program], timeoutMs });

test("createProcessCredentials() runs no shell: shell syntax stays one argument", async () => {
  const print =
    "const [arg] = process.argv.slice(1); console.log(JSON.stringify({ Version: 1, AccessKeyId: arg, SecretAccessKey: 's' }))";
  const command = [process.execPath, "-e", print, "$HOME; echo `id` > x"];
  const { accessKeyId } = await createProcessCredentials({ clock }, { command, timeoutMs: 10_000 })();
  assert.equal(accessKeyId, "$HOME; echo `id` > x");
});

test("createProcessCredentials() names only the program, and keeps its stderr for the log", async () => {
  const fails = printing("console.log('AKIA secret'); console.error('no certificate in /pki'); process.exit(3)");
  await assert.rejects(fails(), (error: Error) => {
    assert.match(error.message, /--credential-process .*: it failed with 3$/);
    assert.doesNotMatch(error.message, /pki|secret/);
    assert.match(String(error.cause), /no certificate in \/pki/);
    assert.doesNotMatch(String(error.cause), /secret/);
    return true;
  });
});

test("createProcessCredentials() kills a program that hangs", async () => {
  await assert.rejects(printing("setInterval(() => {}, 1e6)", 300)(), /did not end within 300 ms/);
});

test("createProcessCredentials() rejects an Expiration that is not a time", async () => {
  const odd = printing('console.log(\'{"Version":1,"AccessKeyId":"a","SecretAccessKey":"s","Expiration":"soon"}\')');
  await assert.rejects(odd(), /Expiration is not a time/);
});
