import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { suite, test } from "node:test";
import { openShellFolder } from "./shell-folder.ts";

const folder = openShellFolder("bash");

/** Returns what bash offers for the words into which it divides a command line; the last one is incomplete. */
function complete(...words: readonly string[]): readonly string[] {
  const script = `source "$1"; shift; COMP_WORDS=(podrole "$@"); COMP_CWORD=$#; _podrole; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = spawnSync("bash", ["-c", script, "bash", folder.script, ...words], {
    encoding: "utf8",
    env: folder.env,
  });
  assert.equal(stderr, "");
  return stdout.split("\n").filter((line) => line !== "");
}

suite("bash completion", () => {
  for (const [what, words, offered] of [
    ["offers commands", ["exp"], ["explain"]],
    ["offers values of a flag", ["check", "-o", "j"], ["json"]],
    ["offers what stands after =, which is all that bash replaces", ["check", "--output", "=", "j"], ["json"]],
    ["offers every value after =", ["check", "--output", "="], ["text", "json"]],
    ["offers nothing for an unknown command", ["nothing", "x"], []],
  ] as const) {
    test(what, () => assert.deepEqual(complete(...words), offered));
  }
});
