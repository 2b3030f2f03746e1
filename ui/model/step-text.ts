// A step as a reader gets it: what it does, what to replace in it, and the command, which breaks into lines at places
// that do not split a word. Pure.
import { partsOfStep } from "../../src/operations/step-parts.ts";

/** A step of a remedy. */
export interface StepText {
  readonly command: string;
  /** Empty if the command, or `replace`, says it. */
  readonly purpose: string;
  /** "Replace ROLE with the right name"; empty if the command can be run as it is. */
  readonly replace: string;
}

/** What stands for a value that podrole does not know, and what it is. */
const PLACEHOLDERS: Readonly<Record<string, string>> = {
  ROLE: "the right name",
  ID: "the external id that the condition names",
  ARN: "the ARN of the role",
  NAME: "the name of the role",
  POD: "the name of the pod",
};
/** As a whole argument, or as a whole value in one. */
const PLACEHOLDER = /(?<=^|[\s"'=:])(ROLE|ID|ARN|NAME|POD)(?=$|[\s"'])/;

/** Returns the parts of a step. */
export function stepText(step: string): StepText {
  const { command, purpose } = partsOfStep(step);
  const [, name] = PLACEHOLDER.exec(command) ?? [];
  if (name === undefined || purpose.toLowerCase().includes("replace ")) return { command, purpose, replace: "" };
  for (const form of [`^${name}: (.+)$`, `^names the (?=${name} )(.+)$`, `(?:^|, )where ${name} is (.+)$`]) {
    const [said = "", meaning] = new RegExp(form).exec(purpose) ?? [];
    if (meaning === undefined) continue;
    const what = meaning.startsWith(`${name} `) ? `the ${meaning}` : meaning;
    return { command, replace: `Replace ${name} with ${what}`, purpose: purpose.slice(0, -said.length) };
  }
  const replace = `Replace ${name} with ${PLACEHOLDERS[name] ?? "its value"}`;
  // "corrects the name, ROLE" says the same.
  return { command, replace, purpose: purpose.endsWith(`, ${name}`) ? "" : purpose };
}

/** Returns the parts of a command between which its lines may break; together they are the command. */
export function lineParts(command: string): readonly string[] {
  return command.split(/(?<=\s)|(?<=[,|{([])(?=["[{.(]|select)|(?<=[}\])])(?=[\]}),|+])/).filter(Boolean);
}
