// The help texts of all commands: layout, and the parts that each of them has below its flags.
import type { Argument, Command, HelpConfiguration, Option } from "commander";
import { HELP_WIDTH, wrapText } from "../../runtime/settings-help.ts";

/** What the help of a command has below its flags. */
export interface HelpParts {
  /** Paragraphs before the examples. */
  readonly notes?: readonly string[];
  /** A purpose, then the command line, which may have several lines. */
  readonly examples: readonly (readonly [purpose: string, commandLine: string])[];
  /** What each exit code means. */
  readonly exitCodes: readonly (readonly [code: number, meaning: string])[];
  /** Page of docs/, and what it describes: "docs/checks.md describes every check and its remedy". */
  readonly docs: string;
  /** Replaces the pointer to podrole explain, in the help of podrole explain. */
  readonly next?: string;
}

const USAGE_EXIT_TEXT = "the command line cannot be used";

/** Adds notes, examples, exit codes and pointers to further help, in this order. */
export function addHelp(
  command: Command,
  { notes = [], examples, exitCodes, docs, next = EXPLAIN_HINT }: HelpParts,
): void {
  const parts = [
    ...notes.map((note) => wrapToWidth(note)),
    `Examples:\n${examples.map(([purpose, line]) => indentLines(`# ${purpose}\n${line}`)).join("\n\n")}`,
    `Exit codes:\n${exitCodes.map(codeLines).join("\n")}`,
    `Learn more:\n${[docs, next].map((line) => indentLines(wrapToWidth(`${line}.`, HELP_WIDTH - 2))).join("\n")}`,
  ];
  command.addHelpText("after", `\n${parts.join("\n\n")}`);
}

/** Exit codes of a command that talks to a cluster, with the meaning of 0 and of 1. */
export function clusterExitCodes(done: string, no: string): HelpParts["exitCodes"] {
  return [
    [0, done],
    [1, no],
    [2, `${USAGE_EXIT_TEXT}, or the cluster cannot be reached`],
  ];
}

/** Exit codes of a command that reads files, with the meaning of 0 and of 1. */
export function inputExitCodes(done: string, no?: string): HelpParts["exitCodes"] {
  return [
    [0, done],
    ...(no === undefined ? [] : [[1, no] as const]),
    [2, `${USAGE_EXIT_TEXT}, or the input cannot be read`],
  ];
}

const EXPLAIN_HINT = "podrole explain pod/NAME -n NAMESPACE shows why a pod has no role";

function codeLines([code, meaning]: HelpParts["exitCodes"][number]): string {
  return `  ${code}  ${wrapToWidth(meaning, HELP_WIDTH - 5).replaceAll("\n", `\n${" ".repeat(5)}`)}`;
}

function indentLines(text: string): string {
  return text.replaceAll(/^/gm, "  ");
}

function wrapToWidth(text: string, width = HELP_WIDTH): string {
  return wrapText(text, width).join("\n");
}

/** Layout of every help text: choices stand in the placeholder only, and commands are listed without "[options]". */
export const HELP_LAYOUT: HelpConfiguration = {
  optionDescription: ({ description, mandatory }: Option) => (mandatory ? `${description} (required)` : description),
  argumentDescription: ({ description }: Argument) => description,
  // An argument without a description is accepted, and not shown.
  visibleArguments: ({ registeredArguments }: Command) => registeredArguments.filter(({ description }) => description),
  subcommandTerm: (command: Command) => [command.name(), ...command.registeredArguments.map(termOf)].join(" ").trim(),
};

function termOf(argument: Argument): string {
  if (!argument.description) return "";
  return argument.required ? `<${argument.name()}>` : `[${argument.name()}]`;
}
