// What may come next on a command line of podrole, for the shells' completion: a pure function of the tree of commands
// and of the words so far.
import type { Argument, Command, Option } from "commander";

/** One word that may come next, with its description for shells that show it. */
export interface Candidate {
  readonly text: string;
  readonly description: string;
}

/** What may come next: these words, or the name of a file. */
export interface Candidates {
  readonly words: readonly Candidate[];
  readonly hasFiles: boolean;
}

const NONE: Candidates = { words: [], hasFiles: false };
const FILES: Candidates = { words: [], hasFiles: true };

/**
 * Returns the candidates for the last of `words`, which is incomplete or empty; the others are complete. `program` is
 * the root of the tree. A flag without a fixed set of values, and not for files, has no candidates.
 */
export function findCandidates(program: Command, words: readonly string[]): Candidates {
  const current = words.at(-1) ?? "";
  const position = findPosition(program, words.slice(0, -1));
  const [flag, started] = splitFlag(current);
  if (started !== undefined) {
    const option = findOption(position.command, flag);
    return option ? startingWith(valuesOf(option), started, `${flag}=`) : NONE;
  }
  if (position.awaiting && !(position.awaiting.variadic && current.startsWith("-"))) {
    return startingWith(valuesOf(position.awaiting), current);
  }
  if (current.startsWith("-")) return startingWith(flagsOf(position), current);
  const subcommands = position.command.createHelp().visibleCommands(position.command);
  const next = subcommands.length > 0 ? subcommands.map(commandCandidate) : [];
  const argument = argumentAt(position.command, position.argumentCount);
  const values = argument ? valuesOf(argument) : NONE;
  return startingWith({ words: [...next, ...values.words], hasFiles: values.hasFiles }, current);
}

/** Where the complete words lead. */
interface Position {
  readonly command: Command;
  readonly argumentCount: number;
  readonly given: ReadonlySet<Option>;
  /** The option whose value comes next. */
  readonly awaiting: Option | undefined;
}

function findPosition(program: Command, words: readonly string[]): Position {
  let command = program;
  let argumentCount = 0;
  const given = new Set<Option>();
  let awaiting: Option | undefined;
  for (const word of words) {
    if (awaiting && !word.startsWith("-")) {
      if (!awaiting.variadic) awaiting = undefined;
      continue;
    }
    awaiting = undefined;
    if (word.startsWith("-")) {
      const [flag, value] = splitFlag(word);
      const option = findOption(command, flag);
      if (option) given.add(option);
      if (option?.required && value === undefined) awaiting = option;
      continue;
    }
    const subcommand = command.commands.find((candidate) => candidate.name() === word);
    if (subcommand) command = subcommand;
    else if (!(word === "help" && command === program)) argumentCount += 1;
  }
  return { command, argumentCount, given, awaiting };
}

/** Splits "--flag=value"; the value is undefined if there is no "=". */
function splitFlag(word: string): readonly [flag: string, value: string | undefined] {
  const at = word.startsWith("--") ? word.indexOf("=") : -1;
  return at < 0 ? [word, undefined] : [word.slice(0, at), word.slice(at + 1)];
}

function findOption(command: Command, flag: string): Option | undefined {
  return command.options.find(({ long, short }) => long === flag || short === flag);
}

/** The flags that are not on the command line yet; those with several values may come again. */
function flagsOf({ command, given }: Position): Candidates {
  const options = command.createHelp().visibleOptions(command);
  const words = options
    .filter((option) => option.variadic || !given.has(option))
    .map(({ long, short, description }) => ({ text: long ?? short ?? "", description }));
  return { words, hasFiles: false };
}

function commandCandidate(command: Command): Candidate {
  return { text: command.name(), description: command.description() };
}

function argumentAt({ registeredArguments }: Command, index: number): Argument | undefined {
  const last = registeredArguments.at(-1);
  return registeredArguments[index] ?? (last?.variadic ? last : undefined);
}

function valuesOf(parameter: Option | Argument): Candidates {
  const { argChoices } = parameter;
  if (argChoices) return { words: argChoices.map((text) => ({ text, description: "" })), hasFiles: false };
  const placeholder = "flags" in parameter ? (/[<[]([^>\]]*)/.exec(parameter.flags)?.[1] ?? "") : parameter.name();
  return /^(file|path|folder|directory)/.test(placeholder) ? FILES : NONE;
}

function startingWith({ words, hasFiles }: Candidates, start: string, prefix = ""): Candidates {
  const matching = words.filter(({ text }) => text.startsWith(start));
  return { words: matching.map(({ text, description }) => ({ text: prefix + text, description })), hasFiles };
}

/**
 * Returns the candidates in the form that kubectl and the scripts of scripts.ts read: a line each, the word and its
 * description separated by a tab, and as the last line ":0" if the shell shall add files, else ":4".
 * (https://pkg.go.dev/github.com/spf13/cobra#ShellCompDirective)
 */
export function candidateLines({ words, hasFiles }: Candidates): string {
  const lines = words.map(({ text, description }) => `${text}\t${firstLine(description)}`);
  return `${[...lines, hasFiles ? ":0" : ":4"].join("\n")}\n`;
}

function firstLine(text: string): string {
  return text.split("\n", 1)[0]?.replaceAll("\t", " ") ?? "";
}
