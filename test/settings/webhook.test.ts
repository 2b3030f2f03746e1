import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../../src/runtime/settings.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";

test("readSettings() reads --sidecar-command none as no hook, and refuses an empty argument", () => {
  const read = (sidecarCommand: string) => {
    const settings = readSettings({ sidecarCommand: WEBHOOK_SETTINGS.sidecarCommand }, { sidecarCommand }, {});
    return settings.ok ? settings.settings.sidecarCommand : undefined;
  };
  assert.deepEqual(read("none"), []);
  assert.deepEqual(read("node,/main.cjs"), ["node", "/main.cjs"]);
  assert.equal(read("node,"), undefined);
});

test("readSettings() reads --sidecar-memory as a Kubernetes quantity, and refuses suffixes that Kubernetes does not have", () => {
  const read = (sidecarMemory: string) =>
    readSettings({ sidecarMemory: WEBHOOK_SETTINGS.sidecarMemory }, { sidecarMemory }, {});
  for (const amount of ["96Mi", "0.5", "100m", "1e8"]) {
    assert.deepEqual(read(amount), { ok: true, settings: { sidecarMemory: amount } });
  }
  // "1ki" was once accepted; the API server then refused every injected pod.
  for (const amount of ["1ki", "1K", "-1", "Mi", "", "lots"]) assert.equal(read(amount).ok, false, amount);
});
