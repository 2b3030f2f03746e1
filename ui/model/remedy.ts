// What an operator does about a cause: first a look that tells its possible causes apart, then the commands for each of
// them. From the commands and the message of a row; where they have another form, the commands are steps. Pure.
import { DENIAL_CONDITIONS, type DenialCondition } from "../../src/operations/denial-conditions.ts";
import type { PodRow } from "../../src/operations/status/model.ts";
import { PURPOSE_MARK, partsOfStep } from "../../src/operations/step-parts.ts";
import { messageParts, nextCommandsOf } from "./cause.ts";
import { shortRole } from "./roles.ts";

/** One of the possible causes. */
export interface RemedyBranch {
  /** What the look shows then: "It fails". */
  readonly when: string;
  readonly cause: string;
  /** Precedes the statement. */
  readonly text?: string;
  /** A policy statement as indented JSON. */
  readonly statement?: string;
  readonly steps: readonly string[];
}

/** What to do. */
export interface Remedy {
  /** Commands before the look, without which it would ask the wrong service. */
  readonly before?: readonly string[];
  /** The command that tells the branches apart; absent if reading does. */
  readonly look?: { readonly purpose: string; readonly command: string };
  readonly branches: readonly RemedyBranch[];
  /** Where there is one cause: commands in their order. */
  readonly steps: readonly string[];
}

/** What a remedy is made from. */
export type RemedyInput = Pick<PodRow, "code" | "next" | "furtherSteps" | "message" | "role" | "roleAnnotation">;

/** Returns the remedy of a row. */
export function remedyOf(row: RemedyInput): Remedy {
  const steps = nextCommandsOf(row);
  return (
    denialRemedy(row, steps) ??
    forbiddenRemedy(row, steps) ??
    earlierCaRemedy(steps) ??
    checkRemedy(row, steps) ?? { branches: [], steps }
  );
}

/** STS denies a role that does not exist as it denies one that does not trust the caller, or that it may not assume. */
function denialRemedy(
  { code, role = "", message = "", roleAnnotation }: RemedyInput,
  steps: readonly string[],
): Remedy | undefined {
  const look = steps.find((step) => step.startsWith("aws iam get-role "));
  if (code !== "STS_DENIED" || look === undefined) return undefined;
  const before = steps.filter((step) => REACHES_EMULATOR.test(step));
  const under = Map.groupBy(
    steps.filter((step) => step !== look && !before.includes(step)),
    conditionOf,
  );
  const stepsUnder = (condition: DenialCondition) => (under.get(condition) ?? []).map(withoutCondition);
  // Where another role is likely, its own command corrects the name.
  const likely = (under.get("missing") ?? []).filter((step) => withoutCondition(step) === step);
  const corrections = likely.length > 0 ? likely : stepsUnder("missing");
  const name = shortRole(role);
  const [happened = ""] = message.split(" -- ", 1);
  const statement = messageParts(happened).reasons.flatMap((reason) => statementIn(reason) ?? [])[0];
  const place = roleAnnotation === undefined ? "the annotation that names it" : `annotation ${roleAnnotation}`;
  const branches: readonly RemedyBranch[] = [
    {
      when: "It fails with NoSuchEntity",
      cause: `there is no role ${name}`,
      ...(corrections.length === 0 && { text: `Correct ${place}, in the template that makes the pod.` }),
      steps: corrections,
    },
    {
      when: "It succeeds",
      cause: "the role exists: see which statements of its trust policy are for podrole's server",
      steps: stepsUnder("exists"),
    },
    {
      when: "The ARN is another one",
      cause: "the role has a path, which the pod does not name",
      steps: stepsUnder("path"),
    },
    {
      when: "Nothing but the ARN is printed",
      cause: "the role does not trust podrole's server",
      text: `The trust policy of ${name} must have this statement:`,
      ...(statement !== undefined && { statement }),
      steps: stepsUnder("none"),
    },
    {
      when: "A printed Allow has a condition on sts:ExternalId",
      cause: "the pod does not name its value",
      steps: stepsUnder("external"),
    },
    {
      when: "A Deny, or an Allow with a condition on something else, is printed",
      cause: "the trust policy leaves podrole's server out, perhaps on purpose",
      steps: stepsUnder("other"),
    },
    {
      when: "An Allow without a condition is printed, and no Deny",
      cause: "the server's own policy does not allow it",
      steps: stepsUnder("allowed"),
    },
    {
      when: "An Allow for the account or for all, without a condition, is printed, and no Deny",
      cause: "the server's own policy does not allow it",
      steps: stepsUnder("account"),
    },
    {
      when: "An Allow for the server itself, without a condition, is printed, and no Deny",
      cause: "a Deny in the policies of the server or of the organization",
      steps: stepsUnder("itself"),
    },
  ];
  return {
    ...(before.length > 0 && { before }),
    look: { purpose: "Does the role exist?", command: partsOfStep(look).command },
    branches: branches.filter(({ steps: own }, index) => index === 0 || own.length > 0),
    steps: [],
  };
}

/** The commands after which those of aws reach an emulated STS. */
const REACHES_EMULATOR = /^(?:kubectl -n \S+ port-forward|export AWS_ENDPOINT_URL=)/;

function conditionOf(step: string): DenialCondition {
  const { command, purpose } = partsOfStep(step);
  return conditionIn(purpose) ?? (CORRECTION.test(command) ? "missing" : "none");
}

/** The branch has it. */
function withoutCondition(step: string): string {
  const { command, purpose } = partsOfStep(step);
  const condition = conditionIn(purpose);
  if (condition === undefined) return step;
  return `${command}${PURPOSE_MARK}${purpose.slice(DENIAL_CONDITIONS[condition].length)}`;
}

/** Corrections of a misspelt role have no condition of the look. */
function conditionIn(purpose: string): DenialCondition | undefined {
  const conditions = Object.keys(DENIAL_CONDITIONS) as DenialCondition[];
  return conditions.find((condition) => purpose.startsWith(DENIAL_CONDITIONS[condition]));
}

const CORRECTION = /^kubectl .*\b(?:edit|annotate|patch)\b/;

/** The namespace and the pod disagree: one of them is wrong. */
function forbiddenRemedy({ code }: RemedyInput, [correct, permit, ...others]: readonly string[]): Remedy | undefined {
  if (code !== "ROLE_FORBIDDEN" || correct === undefined || permit === undefined) return undefined;
  // A workload without pods may be restarted once its role is permitted.
  if (!PERMIT_PURPOSE.test(permit) || !others.every((step) => PERMITTED_PURPOSE.test(step))) return undefined;
  return {
    branches: [
      { when: "The role is wrong", cause: "the pod names another one than it should", steps: [correct] },
      {
        when: "The role is right",
        cause: "the namespace does not permit it yet",
        steps: [permit.replace(PERMIT_PURPOSE, "  # "), ...others],
      },
    ],
    steps: [],
  };
}

const PERMITTED_PURPOSE = /  # only after the namespace permits it, /;
const PERMIT_PURPOSE = /  # instead, only if .+? is right: /;

/** A pod that trusts only an earlier CA cannot report it: its log can. */
function earlierCaRemedy([look, restart, ...others]: readonly string[]): Remedy | undefined {
  const [, code] = (look !== undefined && LOG_PURPOSE.exec(look)) || [];
  if (look === undefined || restart === undefined || code === undefined || others.length > 0) return undefined;
  return {
    look: { purpose: "What does its sidecar report?", command: partsOfStep(look).command },
    branches: [
      {
        when: `It contains ${code}`,
        cause: "the sidecar trusts only an earlier CA",
        text: "Create the pod again.",
        steps: [restart],
      },
      {
        when: "It does not",
        cause: "the cause is another one",
        text: "The last lines of the log name it; its code leads to the remedy.",
        steps: [],
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

/** The statement in "…, such as {…}" as indented JSON; undefined if there is none. */
export function statementIn(reason: string): string | undefined {
  const [, json] = /, such as (\{.+\})$/s.exec(reason) ?? [];
  return json === undefined ? undefined : indented(json);
}

/** A message that is cut ends within its JSON. */
function indented(json: string): string {
  try {
    return JSON.stringify(JSON.parse(json), undefined, 2);
  } catch {
    return json;
  }
}
