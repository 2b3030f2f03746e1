// The command line of the project's own scripts and suites. A row of SCRIPTS says what a script accepts, what its
// --help prints, and what must be on the machine before it starts. A wrong command line, or a machine that lacks
// something, ends the process with one line and exit code 2, before anything is created.
import { Command, type CommanderError, Option } from "commander";
import { HELP_WIDTH, wrapText } from "../../src/runtime/settings-help.ts";
import { needsOf, type ScriptOption, type ScriptUsage } from "./options.ts";
import { SCRIPTS, type ScriptName } from "./scripts-table.ts";
import { SetupError } from "./setup-error.ts";

type OptionsOf<Name extends ScriptName> = (typeof SCRIPTS)[Name] extends { readonly options: infer Options }
  ? Options
  : object;

/** The values of a script's options, and its arguments without a flag. */
export interface ScriptCommandLine<Name extends ScriptName> {
  readonly values: {
    readonly [Key in keyof OptionsOf<Name>]: OptionsOf<Name>[Key] extends ScriptOption<infer Value> ? Value : never;
  };
  readonly args: readonly string[];
}

/**
 * Reads this process's command line. Ends the process after --help (exit code 0), and if the command line is wrong or
 * the machine lacks something (2). A SetupError that nothing catches later ends it in the same way.
 */
export function startScript<Name extends ScriptName>(name: Name): ScriptCommandLine<Name> {
  const usage: ScriptUsage = SCRIPTS[name];
  const command = createScriptCommand(name);
  try {
    command.parse();
  } catch (error) {
    process.exit((error as CommanderError).exitCode === 0 ? 0 : 2);
  }
  const missing = (usage.requires ?? []).filter(({ isMet }) => !isMet());
  if (missing.length > 0) fail(name, `this machine lacks ${missing.map(({ text }) => text).join("; ")}`);
  process.once("uncaughtException", (error) => {
    if (error instanceof SetupError) fail(name, error.message);
    console.error(error);
    process.exit(1);
  });
  const values = Object.entries(usage.options ?? {}).map(([key, { default: fallback }]) => [
    key,
    (command.getOptionValue(key) as unknown) ?? fallback,
  ]);
  return { values: Object.fromEntries(values) as ScriptCommandLine<Name>["values"], args: command.args };
}

/** Returns how a person starts the script: by its name in package.json, or by its file. */
export function commandOfScript(name: string): string {
  return name.includes("/") ? `npx node ${name}` : `npm run ${name}`;
}

function fail(name: string, problem: string): never {
  console.error(`Cannot run ${commandOfScript(name)}: ${problem}`);
  process.exit(2);
}

/** Creates the command line of a script, as its row in SCRIPTS declares it. */
export function createScriptCommand(name: ScriptName): Command {
  const usage: ScriptUsage = SCRIPTS[name];
  const start = commandOfScript(name);
  // npm itself reads options that stand before "--".
  const withOptions = name.includes("/") ? start : `${start} --`;
  const command = new Command(withOptions)
    .description(`${usage.purpose}.`)
    .helpOption("--help", "print this text")
    .allowExcessArguments(false)
    .exitOverride()
    .configureHelp({ helpWidth: HELP_WIDTH })
    .configureOutput({
      outputError: (text, write) =>
        write(`Cannot run ${start}: ${onOneLine(text)}; ${withOptions} --help lists the options\n`),
    })
    .addHelpText("after", `\n${factsOf(usage)}`);
  if (usage.args !== undefined) command.arguments(usage.args);
  for (const { flags, help, default: fallback, parse } of Object.values(usage.options ?? {})) {
    const option = new Option(flags, help);
    if (parse) option.argParser(parse);
    if (parse && fallback !== "") option.default(fallback);
    command.addOption(option);
  }
  return command;
}

/** "error: unknown option '--input'\n(Did you mean --inputs?)" → "unknown option '--input' (Did you mean --inputs?)" */
function onOneLine(text: string): string {
  return text
    .trim()
    .replace(/^error: /, "")
    .replaceAll(/\s*\n\s*/g, " ");
}

function factsOf(usage: ScriptUsage): string {
  return [`Needs: ${needsOf(usage) || "nothing but npm ci"}`, `Time: ${usage.time}`]
    .flatMap((line) => wrapText(line, HELP_WIDTH))
    .join("\n");
}
