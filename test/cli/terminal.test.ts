import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { writeNote, writeProblems } from "../../src/cli/terminal.ts";
import { createTerminal } from "./terminal.ts";

suite("note()", () => {
  for (const [what, text, written] of [
    ["an escape character", "*a\u001bc", "*a\\u{1b}c"],
    ["a control sequence of one character", "\u009d52;c;x", "\\u{9d}52;c;x"],
    ["a change of direction", "a\u202eb", "a\\u{202e}b"],
    ["a line end, which would begin another message", "a\npodrole inject: done", "a\\u{a}podrole inject: done"],
  ] as const) {
    test(`writes ${what} as text`, () => {
      const terminal = createTerminal();
      writeNote(terminal, "inject", text);
      assert.equal(terminal.said.err(), `podrole inject: ${written}\n`);
    });
  }
});

suite("fail()", () => {
  test("writes every problem and returns 2", () => {
    const terminal = createTerminal();
    assert.equal(writeProblems(terminal, "inject", ["a", "b"]), 2);
    assert.equal(terminal.said.err(), "podrole inject: a\npodrole inject: b\n");
  });
});
