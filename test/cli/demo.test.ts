// podrole demo as a process, with a pod certificate. test/package runs it with a token.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { test } from "node:test";
import { demoAction } from "../../src/cli/demo/demo.ts";
import { ROOT } from "../files.ts";
import { createTerminal } from "./terminal.ts";

test("demoAction() gives the pod its role by a pod certificate, which the kubelet requested", async () => {
  const args = [join(ROOT, "src/cli/main.ts"), "demo", "--json", "--pod-certificates"];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [out, [code]] = await Promise.all([text(child.stdout), once(child, "close") as Promise<[number]>]);
  assert.equal(code, 0, out);
  assert.match(out, /The kubelet requested the pod's certificate/);
  assert.match(out, /podCertificateRequest/);
  assert.match(out, /assumed-role\/shop-orders\/shop\.orders/);
});

test("demoAction() refuses --pod-certificates with --ui, whose pods have tokens", async () => {
  const terminal = createTerminal();
  assert.equal(await demoAction(terminal, { podCertificates: "true", ui: "true" }, []), 2);
  assert.match(terminal.said.err(), /^podrole demo: --pod-certificates: --ui is set too; expected one of them/);
});
