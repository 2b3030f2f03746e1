// What the pages tell people to type: every podrole command parses, and every other command is one that people have.
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { createProgram } from "../src/cli/program.ts";
import type { Action } from "../src/cli/terminal.ts";
import { ROOT } from "./story/sources.ts";
import { createTerminal } from "./cli/terminal.ts";

const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);
/** Not podrole's: they need a cluster, AWS or a checkout. */
const OTHERS = new Set(
  "kubectl kustomize helm npm node aws eksctl kind docker openssl age jq git curl promtool kops".split(" "),
);

/** Lines of ```console blocks that are typed, continuations joined, comments and prompts taken off. */
function typedIn(page: string): readonly string[] {
  return [...page.matchAll(/^ *```console\n(.*?)^ *```$/gms)].flatMap(([, block = ""]) => {
    const lines = block.replaceAll(/\\\n\s*/g, " ").split("\n");
    const prompted = lines.filter((line) => /^\s*\$ /.test(line));
    // With prompts, what has none is output.
    const typed = prompted.length > 0 ? prompted : lines;
    return typed
      .map((line) =>
        line
          .replace(/^\s*\$ /, "")
          .replace(/\s#\s.*$/, "")
          .trim(),
      )
      .filter(Boolean);
  });
}

/** Commands in running text: `podrole rotate status`. What is shortened ("…", "a|b") or is a placeholder's is left out. */
function quotedIn(page: string): readonly string[] {
  return [...page.matchAll(/`(podrole [a-z][^`\n]*)`/g)]
    .map(([, command = ""]) => command)
    .filter((text) => !/[…|<]/.test(text));
}

/** The words of each command of a pipeline. */
function commandsOf(line: string): readonly (readonly string[])[] {
  return line.split(/\s(?:\||&&|;)\s/).map((command) => {
    const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
    const redirected = words.findIndex((word) => /^[<>]/.test(word));
    return redirected < 0 ? words : words.slice(0, redirected);
  });
}

/** A sentence may leave out what it is not about. */
const LEFT_OUT = new Set(["commander.help", "commander.missingArgument", "commander.missingMandatoryOptionValue"]);

/** What commander says of a podrole command; undefined when it parses. */
async function problemOf(words: readonly string[], mayBeShort: boolean): Promise<string | undefined> {
  const terminal = createTerminal();
  const action: Action = async () => 0;
  const actions = new Proxy({}, { get: () => action }) as Parameters<typeof createProgram>[1];
  const program = createProgram(terminal, actions, () => {});
  try {
    await program.parseAsync([...words], { from: "user" });
    return undefined;
  } catch (error) {
    const { exitCode, code = "" } = error as { exitCode?: number; code?: string };
    return exitCode === 0 || (mayBeShort && LEFT_OUT.has(code)) ? undefined : terminal.said.err().trim();
  }
}

suite("commands in the pages", () => {
  for (const name of PAGES) {
    const page = readFileSync(join(ROOT, name), "utf8");
    test(`${name}: every command is known, and podrole's parse`, async () => {
      const judge = async ([first = "", ...words]: readonly string[], mayBeShort: boolean) => {
        if (first !== "podrole") return OTHERS.has(first) ? undefined : `${first}: nobody knows it`;
        const problem = await problemOf(words, mayBeShort);
        return problem && `podrole ${words.join(" ")}: ${problem}`;
      };
      const problems = await Promise.all([
        ...typedIn(page)
          .flatMap(commandsOf)
          .map((command) => judge(command, false)),
        ...quotedIn(page)
          .flatMap(commandsOf)
          .map((command) => judge(command, true)),
      ]);
      assert.deepEqual(
        problems.filter((problem) => problem !== undefined),
        [],
      );
    });
  }

  test("docs/operate.md is read: its commands are found", () => {
    const page = readFileSync(join(ROOT, "docs/operate.md"), "utf8");
    const commands = typedIn(page).flatMap(commandsOf);
    const count = (first: string) => commands.filter(([word]) => word === first).length;
    assert.ok(count("podrole") >= 15 && count("kubectl") >= 8, `${count("podrole")} and ${count("kubectl")}`);
  });

  for (const [what, text] of [
    ["a command that does not exist", "podrole chekc"],
    ["a flag that does not exist", "podrole check --wiat 2m"],
    ["a choice that does not exist", "podrole rotate forget"],
  ] as const) {
    test(`${what} is found`, async () => {
      const [typed = ""] = typedIn(`\`\`\`console\n$ ${text}   # a comment\nits output\n\`\`\``);
      assert.equal(typed, text);
      const [words = []] = commandsOf(typed);
      assert.match((await problemOf(words.slice(1), true)) ?? "", /error: /);
    });
  }
});
