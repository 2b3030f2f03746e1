import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { type Program, runProgram } from "../../src/cli/run-program.ts";
import { createKubernetes } from "../../src/kubernetes/client.ts";
import type { AuditLine } from "../../src/runtime/audit-line.ts";
import { COMMON_SETTINGS } from "../../src/runtime/common-settings.ts";
import { createTerminal } from "./terminal.ts";

const program = (
  start: Program<typeof COMMON_SETTINGS>["start"],
  problems: readonly string[] = [],
): Program<typeof COMMON_SETTINGS> => ({ name: "test", table: COMMON_SETTINGS, crossCheck: () => problems, start });

const notStarted = () => assert.fail("it was started");

const LINE: AuditLine = {
  audit: "certificate",
  decision: "refused",
  reason: "PROOF_REJECTED",
  message: "Cannot accept the token",
  peer: "10.0.0.1:40000",
};

suite("runProgram()", () => {
  test("starts, waits for the signal, closes everything and returns 0", async () => {
    const interruption = new AbortController();
    const terminal = createTerminal({ interrupted: interruption.signal });
    const happened: string[] = [];
    const exitCode = runProgram(
      terminal,
      {},
      program(async ({ shutdown, audit }) => {
        shutdown.onClose("port", () => void happened.push("closed"));
        audit(LINE);
        happened.push("started");
        setImmediate(() => interruption.abort("SIGTERM"));
      }),
    );
    assert.equal(await exitCode, 0);
    assert.deepEqual(happened, ["started", "closed"]);
    const lines = terminal.said
      .out()
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    assert.ok(lines.some(({ audit }) => audit === "certificate"));
  });

  test("writes audit lines at every log level, and readable text without --json-log", async () => {
    const terminal = createTerminal({ interrupted: AbortSignal.abort() });
    const start = program(async ({ audit, log }) => {
      log.info("not logged");
      audit(LINE);
    });
    assert.equal(await runProgram(terminal, { level: "error", jsonLog: "false" }, start), 0);
    assert.doesNotMatch(terminal.said.out(), /not logged/);
    assert.match(terminal.said.out(), /decision: "refused"/);
  });

  test("returns 2 and every problem of the settings, and starts nothing", async () => {
    const terminal = createTerminal({ env: { PODROLE_LEVEL: "loud", PODROLE_TRUST_DOMIAN: "x" } });
    assert.equal(await runProgram(terminal, {}, program(notStarted)), 2);
    assert.match(terminal.said.err(), /PODROLE_LEVEL: "loud".*\n.*PODROLE_TRUST_DOMIAN.*did you mean/);
  });

  test("returns 2 for settings that conflict", async () => {
    const terminal = createTerminal();
    assert.equal(await runProgram(terminal, {}, program(notStarted, ["--a and --b: give one of them"])), 2);
    assert.match(terminal.said.err(), /--a and --b/);
  });

  test("returns 1 if the start fails, and closes everything", async () => {
    const terminal = createTerminal();
    let closed = false;
    const start = program(async ({ shutdown }) => {
      shutdown.onClose("port", () => {
        closed = true;
      });
      throw new TypeError("port taken");
    });
    assert.equal(await runProgram(terminal, {}, start), 1);
    assert.ok(closed);
    assert.match(terminal.said.out(), /port taken/);
  });

  test("returns 2 and one line if there is no usable kubeconfig, and closes everything", async () => {
    const terminal = createTerminal();
    let closed = false;
    const start = program(async ({ shutdown }) => {
      shutdown.onClose("port", () => {
        closed = true;
      });
      createKubernetes({ kubeconfigPath: "/nowhere/config" });
    });
    assert.equal(await runProgram(terminal, {}, start), 2);
    assert.ok(closed);
    assert.match(terminal.said.err(), /^podrole \S+: .* kubeconfig \/nowhere\/config cannot be read\n$/);
    assert.doesNotMatch(terminal.said.out(), /stack/);
  });

  test("stops at a signal during the start", async () => {
    const interruption = new AbortController();
    const terminal = createTerminal({ interrupted: interruption.signal });
    const happened: string[] = [];
    const waiting = program(({ shutdown }) => {
      shutdown.onClose("port", () => void happened.push("closed"));
      setImmediate(() => interruption.abort("SIGTERM"));
      return Promise.withResolvers<void>().promise;
    });
    assert.equal(await runProgram(terminal, {}, waiting), 0);
    assert.deepEqual(happened, ["closed"]);
  });
});
