// Command lines as pages and help texts write them, and whether podrole's parse.
import { createProgram } from "../../src/cli/command-tree.ts";
import type { Action } from "../../src/cli/terminal.ts";
import { createTerminal } from "./terminal.ts";

/** Returns the words of each command of a pipeline, without redirections. */
export function commandsOf(line: string): readonly (readonly string[])[] {
  return line.split(/\s(?:\||&&|;)\s/).map((command) => {
    const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
    const redirected = words.findIndex((word) => /^[<>]/.test(word));
    return redirected < 0 ? words : words.slice(0, redirected);
  });
}

/** Errors that are accepted in running text, where a command may omit arguments that the sentence does not need. */
const INCOMPLETE = new Set(["commander.help", "commander.missingArgument", "commander.missingMandatoryOptionValue"]);

/** Returns commander's error for a podrole command; undefined if it parses. */
export async function problemOf(args: readonly string[], mayBeIncomplete: boolean): Promise<string | undefined> {
  const terminal = createTerminal();
  const action: Action = async () => 0;
  const actions = new Proxy({}, { get: () => action }) as Parameters<typeof createProgram>[1];
  const program = createProgram(terminal, actions, () => {});
  try {
    await program.parseAsync([...args], { from: "user" });
    return undefined;
  } catch (error) {
    const { exitCode, code = "" } = error as { exitCode?: number; code?: string };
    return exitCode === 0 || (mayBeIncomplete && INCOMPLETE.has(code)) ? undefined : terminal.said.err().trim();
  }
}
