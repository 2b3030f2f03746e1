// Arguments of podrole completion, and of the command that its scripts run.
import { Argument, type Command } from "commander";
import { addHelp } from "./help.ts";

/** Declares podrole completion. `shells`: those for which there is a script. */
export function declareCompletion(command: Command, shells: readonly string[]): Command {
  command
    .description("Print a script that completes podrole's command lines in a shell")
    .addArgument(new Argument("<shell>", `The shell: ${shells.join(", ")}`).choices(shells));
  addHelp(command, {
    examples: [
      ["In this shell", "source <(podrole completion bash)"],
      ["In every zsh", "podrole completion zsh > ~/.zfunc/_podrole"],
      ["In every fish", "podrole completion fish > ~/.config/fish/completions/podrole.fish"],
    ],
    exitCodes: [
      [0, "done"],
      [2, "the command line cannot be used"],
    ],
    docs: "docs/operate.md describes the command line; each script begins with how to install it",
  });
  return command;
}

/** Declares what the scripts run; its arguments are the words of a command line, the last one incomplete. */
export function declareComplete(command: Command): Command {
  return command.argument("[words...]").helpOption(false);
}
