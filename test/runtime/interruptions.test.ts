import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { test } from "node:test";
import { interruptionsOf } from "../../src/runtime/interruptions.ts";

function setUp() {
  const signals = new EventEmitter();
  const exits: number[] = [];
  const process = {
    on: (signal: string, listener: (signal: NodeJS.Signals) => void) =>
      signals.on(signal, () => listener(signal as never)),
    exit: (code: number) => void exits.push(code),
  };
  const interrupted = interruptionsOf(process, (signal) => (signal === "SIGINT" ? 130 : 143));
  return { signals, exits, interrupted };
}

test("interruptionsOf() aborts on the first signal, with its name, and does not exit", () => {
  const { signals, exits, interrupted } = setUp();
  assert.equal(interrupted.aborted, false);
  signals.emit("SIGTERM");
  assert.deepEqual([interrupted.aborted, interrupted.reason, exits], [true, "SIGTERM", []]);
});

test("interruptionsOf() exits on the second signal, with the code of that one", () => {
  const { signals, exits, interrupted } = setUp();
  signals.emit("SIGTERM");
  signals.emit("SIGINT");
  assert.deepEqual([interrupted.reason, exits], ["SIGTERM", [130]]);
});
