// A diagnosis as explain, check and status print it: the same lines in the same order.
import type { StepFields } from "../../operations/next-steps.ts";
import { stepsIn } from "../../operations/next-steps.ts";

/** What is wrong, what to do, whom it concerns, and how it recovers then. */
export interface ShownDiagnosis extends StepFields {
  readonly cause?: string;
  readonly remedy?: string;
  readonly scope?: string;
  readonly recovery?: string;
}

/** Returns a line for each part that there is, and for each command. */
export function diagnosisLines(shown: ShownDiagnosis): readonly string[] {
  const { cause, remedy, scope, recovery } = shown;
  const parts = Object.entries({ cause, remedy, scope, recovery });
  return [
    ...parts.flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`])),
    ...stepsIn(shown).map((step) => `next: ${step}`),
  ];
}
