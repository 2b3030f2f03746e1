import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../../src/runtime/settings.ts";
import { WEBHOOK_SETTINGS } from "../../src/webhook/settings.ts";

test("readSettings() reads --sidecar-command none as no hook, and refuses an empty argument", () => {
  const read = (sidecarCommand: string) => {
    const settings = readSettings({ sidecarCommand: WEBHOOK_SETTINGS.sidecarCommand }, { sidecarCommand }, {});
    return settings.ok ? settings.settings.sidecarCommand : undefined;
  };
  assert.deepEqual(read("none"), []);
  assert.deepEqual(read("node,/main.cjs"), ["node", "/main.cjs"]);
  assert.equal(read("node,"), undefined);
});
