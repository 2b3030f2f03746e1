import assert from "node:assert/strict";
import { suite, test } from "node:test";
import { Argument, Command, Option } from "commander";
import { type Actions, createProgram } from "../../../src/cli/command-tree.ts";
import { candidateLines, findCandidates } from "../../../src/cli/completion/candidates.ts";
import { createTerminal } from "../terminal.ts";

/** A small tree with every kind of parameter. */
function createTree(): Command {
  const program = new Command("tool");
  program
    .command("get")
    .description("Get it")
    .addArgument(new Argument("<kind>", "What").choices(["pod", "role"]))
    .addArgument(new Argument("[file...]", "Where"))
    .addOption(new Option("-o, --output <text|json>", "Form").choices(["text", "json"]))
    .addOption(new Option("-f, --filename <file...>", "Files"))
    .addOption(new Option("--name <name>", "Name"))
    .addOption(new Option("--secret", "Not shown").hideHelp())
    .option("--all", "All of them");
  const rotate = program.command("rotate").description("Rotate it");
  rotate.command("status").description("Say when");
  rotate.command("retire").description("Retire it");
  program.command("hidden", { hidden: true });
  return program;
}

const CASES: readonly (readonly [what: string, words: readonly string[], texts: readonly string[], files?: true])[] = [
  ["lists the commands that help shows", [""], ["get", "rotate", "help"]],
  ["lists them for no words too", [], ["get", "rotate", "help"]],
  ["lists those that begin so", ["r"], ["rotate"]],
  ["lists nothing for a beginning that nothing has", ["x"], []],
  ["lists subcommands", ["rotate", "st"], ["status"]],
  ["lists commands after help", ["help", ""], ["get", "rotate", "help"]],
  ["lists the choices of an argument", ["get", ""], ["pod", "role"]],
  ["lists files for the next argument, and for each that follows", ["get", "pod", "a", ""], [], true],
  ["lists the flags that help shows", ["get", "-"], ["--output", "--filename", "--name", "--all", "--help"]],
  ["leaves out a flag that is given", ["get", "--all", "--a"], []],
  ["leaves out a flag that is given in its short form", ["get", "-o", "json", "--o"], []],
  ["lists a flag again that may have several values", ["get", "-f", "a", "--f"], ["--filename"]],
  ["lists the values of a flag", ["get", "--output", "j"], ["json"]],
  ["lists the values of a flag with =", ["get", "--output=j"], ["--output=json"]],
  ["lists files for a flag", ["get", "pod", "-f", ""], [], true],
  ["lists files for each further value of a flag", ["get", "-f", "a", "b"], [], true],
  ["lists nothing for a free value", ["get", "--name", ""], []],
  ["takes the value of a flag for no argument", ["get", "--name", "pod", ""], ["pod", "role"]],
  ["continues with an argument after --flag=value", ["get", "--name=x", ""], ["pod", "role"]],
  ["continues after an unknown flag", ["get", "--what", "r"], ["role"]],
  ["lists nothing for the value of an unknown flag", ["get", "--what="], []],
];

suite("findCandidates()", () => {
  for (const [what, words, texts, files] of CASES) {
    test(what, () => {
      const { words: found, hasFiles } = findCandidates(createTree(), words);
      assert.deepEqual([found.map(({ text }) => text), hasFiles], [texts, files ?? false]);
    });
  }

  test("describes each word as help does", () => {
    const { words } = findCandidates(createTree(), ["rotate", "s"]);
    assert.deepEqual(words, [{ text: "status", description: "Say when" }]);
  });
});

suite("candidateLines()", () => {
  test("ends with :4, or with :0 for files", () => {
    assert.equal(candidateLines({ words: [], hasFiles: false }), ":4\n");
    assert.equal(candidateLines({ words: [], hasFiles: true }), ":0\n");
  });

  test("writes one line for each word, also for a description with tabs and several lines", () => {
    const lines = candidateLines({ words: [{ text: "a", description: "b\tc\nd" }], hasFiles: false });
    assert.equal(lines, "a\tb c\n:4\n");
  });
});

suite("podrole __complete", () => {
  test("completes podrole's own commands, and not itself", async () => {
    const terminal = createTerminal();
    const exitCodes: number[] = [];
    const program = createProgram(terminal, {} as Actions, (exitCode) => exitCodes.push(exitCode));
    await program.parseAsync(["__complete", "--", ""], { from: "user" });
    const lines = terminal.said.out();
    for (const name of ["check", "explain", "audit", "completion"]) assert.match(lines, new RegExp(`^${name}\t`, "m"));
    assert.doesNotMatch(lines, /__complete/);
    assert.deepEqual(exitCodes, [0]);
  });
});
