// A diagnosis as explain, check and status print it: the same lines in the same order.
import { type StepFields, stepsIn } from "../../operations/next-steps.ts";
import type { Diagnosis } from "../../operations/sidecar-diagnosis.ts";
import { partsOfStep } from "../../operations/step-parts.ts";

/** What is wrong, what to do, whom it concerns, how it recovers then, and how one sees that. */
export type ShownDiagnosis = StepFields & Partial<Diagnosis>;

/** Returns a line for each part that there is, and for each command: alone, so that it can be copied into any shell. */
export function diagnosisLines(shown: ShownDiagnosis): readonly string[] {
  const { cause, remedy, scope, recovery, requires, forAll, verify } = shown;
  const steps = [...stepsIn(shown), ...(forAll === undefined ? [] : [forAll])];
  return [
    ...partLines({ cause, remedy, scope, recovery, requires }),
    ...steps.flatMap(stepLines),
    ...partLines({ verify }),
  ];
}

function partLines(parts: Readonly<Record<string, string | undefined>>): readonly string[] {
  return Object.entries(parts).flatMap(([name, text]) => (text === undefined ? [] : [`${name}: ${text}`]));
}

function stepLines(step: string): readonly string[] {
  const { command, purpose } = partsOfStep(step);
  return purpose === "" ? [`next: ${command}`] : [`next: ${purpose}:`, `      ${command}`];
}
