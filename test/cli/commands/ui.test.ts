// podrole ui against the API server emulator: it serves the page until it is interrupted, and says what is in its way.
import assert from "node:assert/strict";
import { suite, type TestContext, test } from "node:test";
import { createKubernetesEmulator } from "../../../emulators/kubernetes/emulator.ts";
import { until } from "../../../emulators/until.ts";
import { uiAction } from "../../../src/cli/commands/ui.ts";
import type { Flags } from "../../../src/cli/terminal.ts";
import { systemClock as clock } from "../../../src/runtime/clock.ts";
import { createInstalledObjects } from "../../operations/check/healthy.ts";
import { podWith } from "../../operations/status/pods.ts";
import { writeTemporaryFile } from "../../temporary-files.ts";
import { createTerminal } from "../terminal.ts";

async function startUi(context: TestContext, flags: Flags = {}) {
  const emulator = createKubernetesEmulator({ clock });
  await emulator.listen();
  context.after(() => emulator.close());
  createInstalledObjects(emulator.store);
  emulator.store.create("pods", podWith());
  const interruption = new AbortController();
  const terminal = createTerminal({ interrupted: interruption.signal });
  const kubeconfig = writeTemporaryFile(context, "kubeconfig", emulator.kubeconfig());
  const exitCode = uiAction(terminal, { kubeconfig, open: "false", ...flags }, []);
  context.after(() => interruption.abort());
  const address = () => terminal.said.out().trim();
  return { emulator, exitCode, terminal, interrupt: () => interruption.abort(), address };
}

suite("uiAction()", () => {
  test("uiAction() serves the page and its data below the printed address, and ends with 0", async (context) => {
    const { exitCode, interrupt, address, emulator } = await startUi(context);
    await until(() => address() !== "", "the address is printed");
    assert.match(address(), /^http:\/\/127\.0\.0\.1:\d+\/[\w-]{32}\/$/);
    assert.equal(emulator.audit.filter(({ objectRef }) => objectRef?.resource === "pods").length, 0);
    const page = await fetch(address());
    assert.match(await page.text(), /<noscript>/);
    const snapshot = (await (await fetch(`${address()}data/snapshot`)).json()) as { readonly pods: readonly object[] };
    assert.equal(snapshot.pods.length, 1);
    const missing = await fetch(new URL("/data/snapshot", address()));
    assert.deepEqual([missing.status, await missing.text()], [404, ""]);
    interrupt();
    assert.equal(await exitCode, 0);
    await assert.rejects(fetch(address()));
  });

  test("uiAction() ends with 2 if another process has the port", async (context) => {
    const first = await startUi(context);
    await until(() => first.address() !== "", "the address is printed");
    const { port } = new URL(first.address());
    const second = await startUi(context, { port });
    assert.equal(await second.exitCode, 2);
    assert.match(second.terminal.said.err(), /^podrole ui: --port: another process listens on 127\.0\.0\.1:/m);
  });

  test("uiAction() ends with 2 for a namespace that does not exist, and for a port that is none", async (context) => {
    const absent = await startUi(context, { namespace: "nowhere" });
    assert.equal(await absent.exitCode, 2);
    assert.match(absent.terminal.said.err(), /--namespace: there is no namespace "nowhere"/);
    const wrong = await startUi(context, { port: "http" });
    assert.equal(await wrong.exitCode, 2);
    assert.match(wrong.terminal.said.err(), /--port: "http" is not a port/);
  });
});
