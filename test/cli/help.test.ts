// Every help text of the command line and of the sidecar: what each of them must have, and how wide it may be.
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import type { Command } from "commander";
import { type Actions, createProgram } from "../../src/cli/command-tree.ts";
import { HELP_WIDTH, wrapText } from "../../src/runtime/settings-help.ts";
import { sidecarHelp } from "../../src/sidecar/help.ts";
import { ROOT } from "../files.ts";
import { commandsOf, problemOf } from "./command-lines.ts";
import { createTerminal } from "./terminal.ts";

/** Help texts by command, as `--help` prints them. */
function helpTexts(): ReadonlyMap<string, string> {
  const terminal = createTerminal();
  const actions = new Proxy({}, { get: () => async () => 0 }) as Actions;
  const texts = new Map([["podrole-sidecar", sidecarHelp()]]);
  const visit = (command: Command, name: string): void => {
    // Its action prints the sidecar's own help.
    if (name === "podrole sidecar") return;
    const start = terminal.said.out().length;
    command.outputHelp();
    texts.set(name, terminal.said.out().slice(start));
    const shown = command.createHelp().visibleCommands(command);
    for (const child of shown.filter((candidate) => candidate.name() !== "help"))
      visit(child, `${name} ${child.name()}`);
  };
  visit(
    createProgram(terminal, actions, () => {}),
    "podrole",
  );
  return texts;
}

const TEXTS = helpTexts();

/** Rows of options and settings, each with its description. */
function rowsOf(text: string): readonly string[] {
  const [beforeExamples = ""] = text.split("\nExamples:\n");
  return beforeExamples.split(/\n(?= {2}-)/).slice(1);
}

/** The words of each command in the examples; lines that end in a backslash or a pipe are continued. */
function examplesOf(text: string): readonly (readonly string[])[] {
  const [, section = ""] = /^Examples:\n([^]*?)\n\n(?=\S)/m.exec(text) ?? [];
  const lines = section
    .replaceAll(/ *\\\n\s*/g, " ")
    .replaceAll(/\|\n\s*/g, "| ")
    .split("\n")
    .map((line) => line.trim());
  return lines.filter((line) => line !== "" && !line.startsWith("#")).flatMap(commandsOf);
}

suite("help of every command", () => {
  test("covers every command", () => {
    for (const name of ["podrole", "podrole check", "podrole audit who", "podrole migrate irsa", "podrole webhook"]) {
      assert.ok(TEXTS.has(name), name);
    }
  });

  for (const [name, text] of TEXTS) {
    test(`${name} --help has lines of at most ${HELP_WIDTH} columns`, () => {
      const isOneWord = (line: string) => !line.trim().includes(" ");
      assert.deepEqual(
        text.split("\n").filter((line) => line.length > HELP_WIDTH && !isOneWord(line)),
        [],
      );
    });

    test(`${name} --help has placeholders that name a type, and defaults in one form`, () => {
      assert.doesNotMatch(text, /<value>|<string>|<arg>|choices:/);
      for (const row of rowsOf(text)) {
        const takesValue = /^\s*(?:-\w, )?--[\w-]+ [<[]/.test(row);
        if (takesValue) assert.match(row, /\((?:required\)|default:\s)/, row);
        assert.doesNotMatch(row, /\bdefaults? (?:is|to)\b/, row);
      }
    });

    test(`${name} --help has an example, exit codes, and pointers to a page and to podrole explain`, () => {
      assert.match(text, /^Usage: podrole/);
      assert.match(text, /^Examples:\n {2}# .+\n {2}\S/m);
      assert.match(text, /^Exit codes:\n {2}0 {2}\S.*\n(?:.*\n)* {2}2 {2}\S/m);
      const [, more = ""] = text.split("\nLearn more:\n");
      const [page = ""] = /docs\/[\w-]+\.md/.exec(more) ?? [];
      assert.ok(page !== "" && existsSync(join(ROOT, page)), more);
      assert.match(text, /podrole explain (?:pod|deployment)\/\S/);
      assert.doesNotMatch(text, /explain pod [\w-]/, "objects are named KIND/NAME");
    });

    test(`${name} --help has examples that parse`, async () => {
      const examples = examplesOf(text);
      assert.ok(examples.length > 0);
      const own = examples.filter(([program]) => program === "podrole");
      const problems = await Promise.all(own.map(([, ...args]) => problemOf(args, false)));
      assert.deepEqual(
        problems.filter((problem) => problem !== undefined),
        [],
      );
    });
  }
});

suite("wrapText()", () => {
  for (const [what, text, lines] of [
    ["breaks at spaces", "a bc def", ["a bc", "def"]],
    ["keeps line breaks", "a\nb", ["a", "b"]],
    ["puts a longer word on a line of its own", "a bcdefgh i", ["a", "bcdefgh", "i"]],
  ] as const) {
    test(what, () => assert.deepEqual(wrapText(text, 4), lines));
  }
});
