// Commands, arguments, options and exit codes, from the commander program that the command line runs.
import type { Argument, Command, Option } from "commander";
import { type Actions, createProgram } from "../../src/cli/command-tree.ts";
import type { Action } from "../../src/cli/terminal.ts";
import { sidecarHelp } from "../../src/sidecar/help.ts";
import { createTerminal } from "../cli/terminal.ts";
import { type Contract, type Entries, entriesOf } from "./entries.ts";

export function commandLine(): Contract {
  const terminal = createTerminal();
  const noAction: Action = async () => 0;
  const actions = new Proxy({}, { get: () => noAction }) as Actions;
  const program = createProgram(terminal, actions, () => {});
  const commands = below(program, "podrole");
  return {
    commands: Object.assign({}, ...commands.map(({ name, command }) => commandEntries(name, command))) as Entries,
    "exit codes": Object.fromEntries(
      commands.flatMap(({ name, command }) => {
        const start = terminal.said.out().length;
        command.outputHelp();
        const codes = exitCodes(terminal.said.out().slice(start));
        return codes === undefined ? [] : [[name, codes]];
      }),
    ),
    "sidecar modes": entriesOf(
      sidecarHelp().matchAll(/^ {2}([a-z]+) {2,}/gm),
      ([, mode = ""]) => mode,
      () => "mode",
    ),
  };
}

function below(command: Command, name: string): readonly { readonly name: string; readonly command: Command }[] {
  return [{ name, command }, ...command.commands.flatMap((child) => below(child, `${name} ${child.name()}`))];
}

function commandEntries(name: string, { registeredArguments, options }: Command): Entries {
  return {
    [name]: "command",
    ...entriesOf(
      registeredArguments.entries(),
      ([index]) => `${name} argument ${index + 1}`,
      ([, argument]) => argumentValue(argument),
    ),
    ...entriesOf(options, (option) => `${name} ${option.long ?? option.short}`, optionValue),
  };
}

function argumentValue({ required, variadic, argChoices }: Argument): string {
  return [required ? "required" : "optional", ...(variadic ? ["several"] : []), ...choices(argChoices)].join(", ");
}

function optionValue({ long, short, required, optional, mandatory, variadic, argChoices }: Option): string {
  const value = required ? "takes a value" : optional ? "may take a value" : "takes no value";
  return [
    ...(short !== undefined && long !== undefined ? [short] : []),
    value,
    ...(mandatory ? ["required"] : []),
    ...(variadic ? ["several"] : []),
    ...choices(argChoices),
  ].join(", ");
}

function choices(values: readonly string[] | undefined): readonly string[] {
  return values === undefined ? [] : [`one of ${values.join("|")}`];
}

/** The numbers that begin the clauses of the paragraph "Exit codes:"; undefined if the help text has none. */
export function exitCodes(helpText: string): string | undefined {
  const [, paragraph] = /Exit codes:([^]*?)(?:\n\s*\n|$)/i.exec(helpText) ?? [];
  if (paragraph === undefined) return undefined;
  return [...new Set(paragraph.matchAll(/(?:^|[\n,;:])\s*(\d+)\b/g).map(([, code]) => code))].join(", ");
}
