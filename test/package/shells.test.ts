// The completion scripts in the shells that not every machine has; test/cli/completion has those of bash.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import { openShellFolder } from "../cli/completion/shell-folder.ts";

suite("zsh completion", () => {
  const { path, script, env } = openShellFolder("zsh");

  /** Returns what stands on the line of an interactive zsh after Tab was pressed behind `typed`. */
  function complete(typed: string): string {
    // zpty runs a shell with a terminal of its own; the last key makes the shell print its line.
    const driver = `
zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= PS2= ; autoload -U compinit; compinit -u -d ${path}/dump; source ${script}'
zpty -w shell 'show() { print -r -- "LINE<$BUFFER>" }; zle -N show; bindkey "^X" show; print READY'
zpty -r -m shell line '*READY*'
zpty -w -n shell ${JSON.stringify(typed)}$'\\t\\C-x'
zpty -r -m shell line '*LINE<*>*'
print -r -- "$line"
zpty -d shell`;
    const { stdout, stderr } = spawnSync("zsh", ["-f", "-c", driver], { encoding: "utf8", env, timeout: 60_000 });
    return /LINE<(.*?)>/.exec(stdout)?.[1]?.trim() ?? `no line: ${stdout}${stderr}`;
  }

  for (const [what, typed, line] of [
    ["completes a command", "podrole exp", "podrole explain"],
    ["completes the value of a flag", "podrole check -o j", "podrole check -o json"],
    ["completes what stands after =", "podrole check --output=j", "podrole check --output=json"],
  ] as const) {
    test(what, () => assert.equal(complete(typed), line));
  }
});

suite("fish completion", () => {
  const { script, env } = openShellFolder("fish");

  function complete(typed: string): readonly string[] {
    const command = `source ${script}; complete -C ${JSON.stringify(typed)}`;
    const { stdout, stderr } = spawnSync("fish", ["--no-config", "-c", command], { encoding: "utf8", env });
    assert.equal(stderr, "");
    return stdout.trim().split("\n");
  }

  for (const [what, typed, offered] of [
    ["offers a command with its description", "podrole vers", ["version\tPrint the version"]],
    ["offers the values of a flag", "podrole check -o j", ["json"]],
    ["offers what stands after =", "podrole check --output=j", ["--output=json"]],
    ["offers files", `podrole inject -f ${script.slice(0, -3)}`, [script]],
  ] as const) {
    test(what, () => assert.deepEqual(complete(typed), offered));
  }
});
