import assert from "node:assert/strict";
import { test } from "node:test";
import { readSettings } from "../../src/runtime/settings.ts";
import { WEBHOOK_SETTINGS } from "../../src/settings/webhook.ts";

test("readSettings() reads --sidecar-command none as no hook, and refuses an empty argument", () => {
  const read = (sidecarCommand: string) => {
    const settings = readSettings({ sidecarCommand: WEBHOOK_SETTINGS.sidecarCommand }, { sidecarCommand }, {});
    return settings.ok ? settings.value.sidecarCommand : undefined;
  };
  assert.deepEqual(read("none"), []);
  assert.deepEqual(read("node,/main.cjs"), ["node", "/main.cjs"]);
  assert.equal(read("node,"), undefined);
});

test("readSettings() reads --sidecar-memory as a Kubernetes quantity, and refuses suffixes that Kubernetes does not have", () => {
  const read = (sidecarMemory: string) =>
    readSettings({ sidecarMemory: WEBHOOK_SETTINGS.sidecarMemory }, { sidecarMemory }, {});
  for (const amount of ["96Mi", "0.5", "100m", "1e8"]) {
    assert.deepEqual(read(amount), { ok: true, value: { sidecarMemory: amount } });
  }
  // "1ki" was once accepted; the API server then refused every injected pod.
  for (const amount of ["1ki", "1K", "-1", "Mi", "", "lots"]) assert.equal(read(amount).ok, false, amount);
});

for (const [key, flag] of [
  ["serverAddress", "--server-address"],
  ["identityAddress", "--identity-address"],
] as const) {
  test(`readSettings() reads ${flag} as host and port, as they were written`, () => {
    const read = (text: string) => readSettings({ [key]: WEBHOOK_SETTINGS[key] }, { [key]: text }, {});
    for (const text of ["podrole-server.podrole.svc:8444", "10.0.0.1:443", "[fd00::1]:8444"]) {
      assert.deepEqual(read(text), { ok: true, value: { [key]: text } });
    }
    const typos = ["podrole-server", "podrole-server:", "podrole-server:84444", "https://podrole-server:8444", ":8444"];
    for (const text of [...typos, "podrole-server:0", "podrole_server:8444", ""]) {
      const result = read(text);
      assert.ok(!result.ok, text);
      assert.match(result.problems.join("; "), new RegExp(`^${flag}: .* is not an address "host:port" such as`));
    }
  });
}
