// Commands in the pages: every podrole command parses, and every other command is a known tool.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { suite, test } from "node:test";
import { commandsOf, problemOf } from "./cli/command-lines.ts";
import { ROOT, readText } from "./files.ts";

const PAGES = ["README.md", ...readdirSync(join(ROOT, "docs")).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith(".md"),
);
/** Other tools that the pages use; their commands need a cluster, AWS or a checkout. */
const OTHER_TOOLS = new Set(
  "cp export sed kubectl kustomize helm npm node aws eksctl kind docker openssl age jq git curl promtool kops sha256sum cosign gh for until sh k3d minikube echo umask".split(
    " ",
  ),
);

/** Returns the commands of ```console blocks, with continuation lines joined, without comments and prompts. */
function blockCommandsIn(page: string): readonly string[] {
  return [...page.matchAll(/^ *```console\n(.*?)^ *```$/gms)].flatMap(([, block = ""]) => {
    const lines = block.replaceAll(/\\\n\s*/g, " ").split("\n");
    const prompted = lines.filter((line) => /^\s*\$ /.test(line));
    // If a block has prompts, lines without one are output.
    const commands = prompted.length > 0 ? prompted : lines;
    return commands
      .map((line) =>
        line
          .replace(/^\s*\$ /, "")
          .replace(/\s#\s.*$/, "")
          .trim(),
      )
      .filter(Boolean);
  });
}

/**
 * Returns the commands in running text, such as `podrole rotate status`; skips shortened ones ("…", "a|b") and
 * placeholders.
 */
function inlineCommandsIn(page: string): readonly string[] {
  return [...page.matchAll(/`(podrole [a-z][^`\n]*)`/g)]
    .map(([, command = ""]) => command)
    .filter((text) => !/[…|<]/.test(text));
}

suite("commands in the pages", () => {
  for (const name of PAGES) {
    const page = readText(name);
    test(`${name}: every command is known, and podrole's commands parse`, async () => {
      const judge = async (words: readonly string[], mayBeIncomplete: boolean): Promise<string | undefined> => {
        const [first = "", ...args] = words[0] === "npx" ? words.slice(1) : words;
        if (first !== "podrole") return OTHER_TOOLS.has(first) ? undefined : `${first}: unknown tool`;
        const problem = await problemOf(args, mayBeIncomplete);
        return problem && `podrole ${args.join(" ")}: ${problem}`;
      };
      const problems = await Promise.all([
        ...blockCommandsIn(page)
          .flatMap(commandsOf)
          .map((command) => judge(command, false)),
        ...inlineCommandsIn(page)
          .flatMap(commandsOf)
          .map((command) => judge(command, true)),
      ]);
      assert.deepEqual(
        problems.filter((problem) => problem !== undefined),
        [],
      );
    });
  }

  test("the commands of the pages for operators are found", () => {
    const pages = ["operate", "checks", "troubleshoot", "ca"].map((name) => readText(`docs/${name}.md`));
    const commands = pages.flatMap(blockCommandsIn).flatMap(commandsOf);
    const count = (first: string) => commands.filter(([word]) => word === first).length;
    assert.ok(count("podrole") >= 15 && count("kubectl") >= 8, `${count("podrole")} and ${count("kubectl")}`);
  });

  for (const [what, text] of [
    ["a command that does not exist", "podrole chekc"],
    ["a flag that does not exist", "podrole check --wiat 2m"],
    ["a choice that does not exist", "podrole rotate forget"],
  ] as const) {
    test(`${what} is found`, async () => {
      const [command = ""] = blockCommandsIn(`\`\`\`console\n$ ${text}   # a comment\nits output\n\`\`\``);
      assert.equal(command, text);
      const [words = []] = commandsOf(command);
      assert.match((await problemOf(words.slice(1), true)) ?? "", /^podrole(?: \w+)?: /);
    });
  }
});
