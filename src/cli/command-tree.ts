// The command line as a tree of commands. arguments/ declares the flags of each; its action is loaded only when the
// command runs. Exit codes: 0 done, 1 the answer is no (each command says what that means), 2 the command line or a
// setting is wrong.
import { Command } from "commander";
import { HELP_WIDTH } from "../runtime/settings-help.ts";
import { VERSION } from "../runtime/version.ts";
import { declareAudit } from "./arguments/audit.ts";
import { declareAws } from "./arguments/aws.ts";
import { declareCheck } from "./arguments/check.ts";
import { declareComplete, declareCompletion } from "./arguments/completion.ts";
import { declareExplain } from "./arguments/explain.ts";
import { HELP_LAYOUT } from "./arguments/help.ts";
import { declareInject, declareUninject } from "./arguments/inject.ts";
import { declareMigrate } from "./arguments/migrate.ts";
import { declareDemo, declareRoot, declareVersion } from "./arguments/root.ts";
import { declareRotate } from "./arguments/rotate.ts";
import { declareServer, declareSidecar, declareWebhook } from "./arguments/settings.ts";
import { declareStatus } from "./arguments/status.ts";
import { declareUi } from "./arguments/ui.ts";
import { candidateLines, findCandidates } from "./completion/candidates.ts";
import { COMPLETE_COMMAND, COMPLETION_SCRIPTS, SHELLS, type Shell } from "./completion/scripts.ts";
import type { Action, Terminal } from "./terminal.ts";

type CommandName =
  | "demo"
  | "check"
  | "status"
  | "ui"
  | "explain"
  | "audit"
  | "rotate"
  | "aws"
  | "migrate"
  | "inject"
  | "uninject"
  | "server"
  | "webhook"
  | "sidecar";

/** What each command runs; main.ts loads the code of the one that was called. */
export type Actions = Readonly<Record<CommandName, Action>>;

/**
 * `finish` receives the exit code of the command that ran. Throws CommanderError for a command line that does not
 * parse.
 */
export function createProgram(terminal: Terminal, actions: Actions, finish: (exitCode: number) => void): Command {
  const program = new Command("podrole")
    .description("IAM roles for Kubernetes pods, served by a sidecar in each pod.")
    .usage("<command> [options]")
    .version(VERSION, "-V, --version", "Print the version")
    .helpOption("-h, --help", "Print this help")
    .helpCommand("help [command]", "Print the help of a command")
    .configureHelp(HELP_LAYOUT)
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err, outputError: prefixProblems("podrole") })
    .configureOutput({ getOutHelpWidth: () => HELP_WIDTH, getErrHelpWidth: () => HELP_WIDTH })
    .showSuggestionAfterError()
    .showHelpAfterError("(add --help to the command for its arguments and flags)")
    .exitOverride();
  const { add, addSubcommands } = createAdder(program, terminal, actions, finish);
  // --help lists groups and commands in the order in which they are added.
  add("Try it:", "demo", "Run podrole on this machine, with an embedded API server and STS", declareDemo);
  const operate = "Operate podrole:";
  add(operate, "check", "Check that podrole is healthy, or that this cluster can run it", declareCheck);
  add(
    operate,
    "status",
    "Show which role each container holds, what was refused, and which CAs are trusted",
    declareStatus,
  );
  add(operate, "ui", "Show the identity map: who holds which role, why, and until when, as a page", declareUi);
  add(operate, "explain", "Explain whether a pod is injected, which role each container gets, and why", declareExplain);
  addSubcommands(operate, "audit", declareAudit);
  addSubcommands(operate, "rotate", declareRotate);
  addSubcommands(operate, "aws", declareAws);
  addSubcommands("Migrate:", "migrate", declareMigrate);
  const manifests = "Manifests, without the webhook:";
  add(manifests, "inject", "Inject manifests as the webhook would", declareInject);
  add(manifests, "uninject", "Remove from manifests everything that injection added", declareUninject);
  const programs = "Programs that the manifests start:";
  add(programs, "server", "Issue certificates to pods, and credentials of their roles", declareServer);
  add(programs, "webhook", "Inject the sidecar into pods at admission", declareWebhook);
  add(programs, "sidecar", "Serve credentials inside a pod (modes: serve, init, wait, renew)", declareSidecar);
  program.commandsGroup("Other commands:").helpCommand("help [command]", "Print the help of a command");
  declareCompletion(program.command("completion"), SHELLS).action((shell: Shell) => {
    terminal.out(COMPLETION_SCRIPTS[shell]);
    finish(0);
  });
  declareComplete(program.command(COMPLETE_COMMAND, { hidden: true })).action((words: readonly string[]) => {
    terminal.out(candidateLines(findCandidates(program, words)));
    finish(0);
  });
  declareVersion(program.command("version")).action(() => {
    terminal.out(`podrole ${VERSION}\n`);
    finish(0);
  });
  declareRoot(program);
  return program;
}

/** Adds commands whose action is one of `actions`. */
function createAdder(program: Command, terminal: Terminal, actions: Actions, finish: (exitCode: number) => void) {
  function begin(group: string, name: CommandName): Command {
    const command = program.command(name).helpGroup(group);
    return command.configureOutput({ outputError: prefixProblems(`podrole ${name}`) });
  }

  /** `path`: names of the subcommand, which the action receives before its arguments. */
  function runs(command: Command, name: CommandName, path: readonly string[]): void {
    command.action(async () => {
      finish(await actions[name](terminal, asTexts(command.opts()), [...path, ...command.args]));
    });
  }

  function add(group: string, name: CommandName, description: string, declare: (command: Command) => void): void {
    const command = begin(group, name).description(description);
    declare(command);
    runs(command, name, []);
  }

  /** `declare` adds the subcommands and returns them. */
  function addSubcommands(group: string, name: CommandName, declare: (command: Command) => readonly Command[]): void {
    const command = begin(group, name).usage("<command> [options]");
    for (const subcommand of declare(command)) {
      subcommand.configureOutput({ outputError: prefixProblems(`podrole ${name} ${subcommand.name()}`) });
      runs(subcommand, name, [subcommand.name()]);
    }
  }

  return { add, addSubcommands };
}

/** Writes commander's errors with the prefix of all messages of a command, instead of "error: ". */
function prefixProblems(prefix: string) {
  return (text: string, write: (text: string) => void) => write(text.replace(/^error: /, `${prefix}: `));
}

/** commander delivers `--no-json-log` as false; settings are parsed from text. */
function asTexts(options: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]));
}
