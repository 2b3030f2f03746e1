// Arguments of podrole rotate.
import { Argument, type Command } from "commander";
import type { RotationVerb } from "../../pki/authorities.ts";
import type { Flags } from "../terminal.ts";
import { type Connection, declareConnection, declarePodroleNamespace, outputOption, readConnection } from "./flags.ts";

export interface RotateArguments {
  readonly connection: Connection;
  readonly step: RotationVerb | "status";
  readonly podroleNamespace: string | undefined;
  readonly force: boolean;
  readonly json: boolean;
}

const ABOUT = `
Steps, in the order of a rotation:
  status    print the CA's slots, what the servers will do and when, and which
            step is possible now
  prepare   create the next CA, which the servers then publish
  activate  let the servers sign with the next CA; refused until every pod has
            had time to receive the next CA
  retire    remove the previous CA; refused while certificates that it signed are
            still valid

Exit codes: 0 done, 1 the step is refused, 2 invalid command line, or the
cluster cannot be reached.`;

export function declareRotate(command: Command): void {
  command
    .addArgument(new Argument("<step>", "status, prepare, activate or retire").choices(STEPS))
    .option(
      "--force",
      "apply the step even if some pods can then no longer renew; use this only if a CA is compromised",
    )
    .addOption(outputOption())
    .addHelpText("after", ABOUT);
  declareConnection(declarePodroleNamespace(command));
}

const STEPS = ["status", "prepare", "activate", "retire"] as const;

/** Never refuses: commander has checked the step and the output format. */
export function readRotate(flags: Flags, [step]: readonly string[]): RotateArguments {
  return {
    connection: readConnection(flags),
    step: step as RotateArguments["step"],
    podroleNamespace: flags["podroleNamespace"],
    force: flags["force"] === "true",
    json: flags["output"] === "json",
  };
}
