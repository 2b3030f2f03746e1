// What an operator does about a cause: first a look that tells its possible causes apart, then the commands for each of
// them. From the commands and the message of a row; where they have another form, the commands are steps. Pure.
import { partsOfStep } from "../../src/operations/step-parts.ts";
import { nextCommandsOf } from "./cause.ts";
import { denialRemedy } from "./denial-remedy.ts";
import { type Remedy, type RemedyInput, recoveryAfter } from "./remedy-parts.ts";

/** Returns the remedy of a row. */
export function remedyOf(row: RemedyInput): Remedy {
  const steps = nextCommandsOf(row);
  return (
    denialRemedy(row) ??
    forbiddenRemedy(row, steps) ??
    earlierCaRemedy(steps) ??
    checkRemedy(row, steps) ?? { branches: [], steps }
  );
}

/** The namespace and the pod disagree: one of them is wrong. */
function forbiddenRemedy(row: RemedyInput, [correct, permit, ...others]: readonly string[]): Remedy | undefined {
  if (row.code !== "ROLE_FORBIDDEN" || correct === undefined || permit === undefined) return undefined;
  // A workload without pods may be restarted once its role is permitted.
  if (!PERMIT_PURPOSE.test(permit) || !others.every((step) => PERMITTED_PURPOSE.test(step))) return undefined;
  const permitting = [permit.replace(PERMIT_PURPOSE, "  # "), ...others];
  return {
    branches: [
      {
        ...{ when: "The role is wrong", cause: "the pod names another one than it should" },
        ...{ steps: [correct], ...recoveryAfter([correct], row) },
      },
      {
        ...{ when: "The role is right", cause: "the namespace does not permit it yet" },
        ...{ steps: permitting, ...recoveryAfter(permitting, row) },
      },
    ],
    steps: [],
  };
}

const PERMITTED_PURPOSE = /  # only after the namespace permits it, /;
const PERMIT_PURPOSE = /  # instead, only if .+? is right: /;

/** A pod that trusts only an earlier CA cannot report it: its log can. */
function earlierCaRemedy([look, ...others]: readonly string[]): Remedy | undefined {
  const [, code] = (look !== undefined && LOG_PURPOSE.exec(look)) || [];
  if (look === undefined || code === undefined) return undefined;
  const isOfOther = (step: string) => step.startsWith("podrole explain ");
  const restart = others.filter((step) => !isOfOther(step));
  const [, target] = restart.map((step) => /^kubectl .* rollout restart (\S+)/.exec(step)).find(Boolean) ?? [];
  const what = target === undefined ? "Create the pod again" : `Restart ${target}`;
  return {
    look: { purpose: "What does its sidecar report?", command: partsOfStep(look).command },
    branches: [
      {
        ...{ when: `It contains ${code}`, cause: "the sidecar trusts only an earlier CA" },
        text: `${what}: a new pod trusts the current CA.`,
        steps: restart,
      },
      {
        ...{ when: "It does not", cause: "the cause is another one: the last lines of the log name it" },
        steps: others.filter(isOfOther),
      },
    ],
    steps: [],
  };
}

/** A single command that looks at the installation says nothing about what it is for. */
function checkRemedy({ code = "" }: RemedyInput, [check, ...others]: readonly string[]): Remedy | undefined {
  if (check === undefined || others.length > 0 || !/^podrole check(?: -[\w-]+)*$/.test(check)) return undefined;
  const purpose = code.startsWith("STS_") ? "See whether STS answers now" : "See what podrole lacks now";
  return { look: { purpose, command: check }, branches: [], steps: [] };
}

const LOG_PURPOSE = /^kubectl .* logs .*  # .* if it does not contain ([A-Z_]+)$/;
