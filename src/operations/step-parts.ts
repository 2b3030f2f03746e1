// A step is a command with its purpose as a comment. Pure, and free of other code: the page of podrole ui has it too.

/** Stands between a command and its purpose. */
export const PURPOSE_MARK = "  # ";

/** A step, for those who print its purpose apart: an interactive zsh passes a comment to the command as arguments. */
export interface StepParts {
  readonly command: string;
  /** Empty if the command says it. */
  readonly purpose: string;
}

/** Returns the command of a step, and its purpose. A purpose has no quotes, and what an argument quotes is none. */
export function partsOfStep(step: string): StepParts {
  const at = step.lastIndexOf(PURPOSE_MARK);
  const purpose = at < 0 ? "" : step.slice(at + PURPOSE_MARK.length);
  return purpose === "" || purpose.includes("'")
    ? { command: step, purpose: "" }
    : { command: step.slice(0, at), purpose };
}
