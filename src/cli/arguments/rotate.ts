// Arguments of podrole rotate.
import type { Command } from "commander";
import type { RotationVerb } from "../../pki/authorities.ts";
import type { Flags } from "../terminal.ts";
import { declareInstallation, type InstallationArguments, outputOption, readInstallation } from "./flags.ts";
import { addHelp, clusterExitCodes } from "./help.ts";

/** Typed options of podrole rotate. */
export interface RotateArguments extends InstallationArguments {
  readonly step: RotationVerb | "status";
  readonly force: boolean;
  readonly json: boolean;
}

const ROTATE_DOCS = "docs/ca.md describes the CA, its automatic rotation, and what to do if a CA is compromised";
const ROTATE_EXIT_CODES = clusterExitCodes("done", "the step is refused, with the reason");
const STATUS_EXIT_CODES = clusterExitCodes("done", "the CA's Secret cannot be used");
const STEP_PURPOSES: Readonly<Record<RotateArguments["step"], string>> = {
  status: "As JSON, for a script",
  prepare: "The first step of a manual rotation",
  activate: "Refused, with the remaining time, until it is safe",
  retire: "Refused, with the remaining time, until it is safe",
};

/** The steps, in the order of a rotation. */
const ROTATE_STEPS: readonly (readonly [step: RotateArguments["step"], description: string])[] = [
  ["status", "Print the CA's slots, what the servers will do and when, and which step is possible now"],
  ["prepare", "Create the next CA, which the servers then publish; refused if there is one already"],
  ["activate", "Let the servers sign with the next CA; refused until every pod has had time to receive the next CA"],
  ["retire", "Remove the previous CA; refused while certificates that it signed are still valid"],
];

const CUTS_OFF = "Apply the step even if some pods can then no longer renew; use this only if a CA is compromised";
const FORCE: Readonly<Record<RotationVerb, string>> = {
  prepare: "Replace the next CA if there is one already",
  activate: CUTS_OFF,
  retire: CUTS_OFF,
};

/** Adds the steps to `rotate` and returns them; the caller sets their actions. */
export function declareRotate(rotate: Command): readonly Command[] {
  rotate.description("Manage podrole's CA: its state, and the steps of a manual rotation");
  addHelp(rotate, {
    notes: ["The servers rotate the CA themselves; the steps are for a rotation ahead of time."],
    examples: [
      ["When do the servers rotate the CA?", "podrole rotate status"],
      [
        "Rotate it now: each step is refused until it is safe",
        "podrole rotate prepare\npodrole rotate activate\npodrole rotate retire",
      ],
    ],
    exitCodes: ROTATE_EXIT_CODES,
    docs: ROTATE_DOCS,
  });
  return ROTATE_STEPS.map(([step, description]) => {
    const command = rotate.command(step).description(description);
    if (step !== "status") {
      command.option("--force", FORCE[step]);
    }
    declareInstallation(command.addOption(outputOption()));
    addHelp(command, {
      examples: [[STEP_PURPOSES[step], ROTATE_EXAMPLES[step]]],
      exitCodes: step === "status" ? STATUS_EXIT_CODES : ROTATE_EXIT_CODES,
      docs: ROTATE_DOCS,
    });
    return command;
  });
}

const ROTATE_EXAMPLES: Readonly<Record<RotateArguments["step"], string>> = {
  status: "podrole rotate status -o json",
  prepare: "podrole rotate prepare",
  activate: "podrole rotate activate",
  retire: "podrole rotate retire",
};

/** Never refuses: commander has checked the output format, and the step is the name of the subcommand. */
export function readRotate(flags: Flags, [step]: readonly string[]): RotateArguments {
  return {
    ...readInstallation(flags),
    step: step as RotateArguments["step"],
    force: flags["force"] === "true",
    json: flags["output"] === "json",
  };
}
