// The command line as a tree of commands. arguments/ declares the flags of each; its action is loaded only when the command
// runs. Exit codes: 0 done, 1 the answer is no (each command says what that means), 2 the command line or a setting is wrong.
import { Command } from "commander";
import { VERSION } from "../runtime/version.ts";
import { SERVER_SETTINGS } from "../settings/server.ts";
import { WEBHOOK_SETTINGS } from "../settings/webhook.ts";
import { declareAudit } from "./arguments/audit.ts";
import { declareCheck } from "./arguments/check.ts";
import { declareExplain } from "./arguments/explain.ts";
import { declareInject, declareUninject } from "./arguments/inject.ts";
import { declareMigrate } from "./arguments/migrate.ts";
import { declareRotate } from "./arguments/rotate.ts";
import { declareSettings, declareSidecar } from "./arguments/settings.ts";
import type { Action, Terminal } from "./terminal.ts";

export interface Actions {
  readonly server: Action;
  readonly webhook: Action;
  readonly sidecar: Action;
  readonly inject: Action;
  readonly uninject: Action;
  readonly migrate: Action;
  readonly audit: Action;
  readonly demo: Action;
  readonly check: Action;
  readonly explain: Action;
  readonly rotate: Action;
}

/** `finish` receives the exit code of the command that ran. Throws CommanderError for a command line that does not parse. */
export function createProgram(terminal: Terminal, actions: Actions, finish: (exitCode: number) => void): Command {
  const program = new Command("podrole")
    .description("IAM roles for Kubernetes pods, served by a sidecar in each pod")
    .version(VERSION, "-V, --version", "print the version")
    .configureOutput({ writeOut: terminal.out, writeErr: terminal.err, outputError: prefixed("podrole") })
    .showSuggestionAfterError()
    .showHelpAfterError("(add --help to the command for its arguments and flags)")
    .exitOverride();
  // --help lists groups and commands in the order in which they are added.
  let group = "";

  function add(name: keyof Actions, description: string, configure: (command: Command) => unknown): void {
    const command = program.command(name).description(description).helpGroup(group);
    command.configureOutput({ outputError: prefixed(`podrole ${name}`) });
    configure(command);
    command.action(async (...parameters: unknown[]) => {
      const command = parameters.at(-1) as Command;
      finish(await actions[name](terminal, asTexts(command.opts()), command.args));
    });
  }

  group = "Commands:";
  add("demo", "run podrole on this machine, with an embedded API server and STS", (command) =>
    command.option("--json", "print the steps as JSON lines"),
  );
  add("check", "check that podrole is healthy, or that this cluster can run it", declareCheck);
  add("explain", "explain whether a pod is injected, which role each container gets, and why", declareExplain);
  const audit = program.command("audit").helpGroup(group);
  audit.configureOutput({ outputError: prefixed("podrole audit") });
  for (const question of declareAudit(audit)) {
    question.action(async (...parameters: unknown[]) => {
      const command = parameters.at(-1) as Command;
      const args = [command.name(), ...command.args];
      finish(await actions.audit(terminal, asTexts(command.opts()), args));
    });
  }
  add(
    "migrate",
    "report what changes for each pod in a migration from kiam or kube2iam, or to IRSA or EKS Pod Identity",
    declareMigrate,
  );
  add("rotate", "manage podrole's CA (steps: status, prepare, activate, retire)", declareRotate);
  group = "Commands for manifests, which need no webhook:";
  add("inject", "inject manifests as the webhook would", declareInject);
  add("uninject", "remove from manifests everything that injection added", declareUninject);
  group = "Programs that the manifests start:";
  add("server", "issue certificates to pods, and credentials of their roles", (command) =>
    declareSettings(command, SERVER_SETTINGS),
  );
  add("webhook", "inject the sidecar into pods at admission", (command) => declareSettings(command, WEBHOOK_SETTINGS));
  add("sidecar", "serve credentials inside a pod (modes: serve, init, wait, renew)", declareSidecar);
  program
    .command("version")
    .helpGroup("Commands:")
    .description("print the version")
    .action(() => {
      terminal.out(`podrole ${VERSION}\n`);
      finish(0);
    });
  return program;
}

/** Writes commander's errors with the prefix of all messages of a command, instead of "error: ". */
function prefixed(prefix: string) {
  return (text: string, write: (text: string) => void) => write(text.replace(/^error: /, `${prefix}: `));
}

/** commander delivers `--no-json-log` as false; settings are parsed from text. */
function asTexts(options: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]));
}
