// What an operator does about a denial of STS that names no policy: a look that tells whether the role exists, and if it
// does, a second one at what its trust policy says of podrole's server. From the steps of the row, each of which names
// its condition. Pure.
import { DENIAL_CONDITIONS, type DenialCondition } from "../../src/operations/denial-conditions.ts";
import { PURPOSE_MARK, partsOfStep } from "../../src/operations/step-parts.ts";
import { messageParts, nextCommandsOf } from "./cause.ts";
import { type Remedy, type RemedyBranch, type RemedyInput, recoveryAfter, statementIn } from "./remedy-parts.ts";
import { shortRole } from "./roles.ts";

/** Returns the remedy; undefined for another code, and where STS has said what it lacks. */
export function denialRemedy(row: RemedyInput): Remedy | undefined {
  const steps = nextCommandsOf(row);
  const look = steps.find((step) => step.startsWith("aws iam get-role "));
  const under = Map.groupBy(
    steps.filter((step) => step !== look),
    conditionOf,
  );
  if (row.code !== "STS_DENIED" || look === undefined || !under.has("missing")) return undefined;
  const before = steps.filter((step) => REACHES_EMULATOR.test(step));
  const stepsUnder = (condition: DenialCondition | undefined) => (under.get(condition) ?? []).map(withoutCondition);
  // Where another role is likely, its own command, which has no condition, corrects the name.
  const likely = stepsUnder(undefined).filter((step) => CORRECTION.test(step));
  const corrections = likely.length > 0 ? likely : stepsUnder("missing");
  const name = shortRole(row.role ?? "");
  const [, account] = /^(in account \d+), /.exec(partsOfStep(look).purpose) ?? [];
  return {
    ...(before.length > 0 && { before }),
    look: {
      purpose: account === undefined ? "Does the role exist?" : `Does the role exist ${account}?`,
      why: "AWS denies a role that does not exist, one whose trust policy leaves podrole's server out, and one that the server's own policy does not allow, with the same answer. Only AWS can say which it is: this command finds out. An error other than NoSuchEntity is about your own rights, not about the role.",
      command: partsOfStep(look).command,
    },
    branches: [
      {
        ...{ when: "It fails with NoSuchEntity", cause: `there is no role ${name}`, steps: corrections },
        ...recoveryAfter(corrections, row),
      },
      existingBranch(row, stepsUnder),
    ],
    steps: [],
  };
}

function existingBranch(row: RemedyInput, stepsUnder: (condition: DenialCondition) => readonly string[]): RemedyBranch {
  const [look, ...others] = stepsUnder("exists").map(partsOfStep);
  const branches = EXISTING_CONDITIONS.flatMap((condition): readonly RemedyBranch[] => {
    const steps = stepsUnder(condition);
    if (steps.length === 0) return [];
    const statement = condition === "none" ? trustStatement(row) : {};
    // Its step only finds out more.
    const recovery = condition === "itself" ? {} : recoveryAfter(steps, row);
    return [{ ...OUTCOMES[condition], ...statement, steps, ...recovery }];
  });
  return {
    ...{ when: "It succeeds, and prints nothing", cause: "the role exists" },
    steps: others.map(({ command }) => command),
    further: {
      ...(look !== undefined && {
        look: {
          purpose: "What does its trust policy say of podrole's server?",
          why: "This prints the ARN of the role, and the statements of its trust policy that apply to the server. The first outcome that fits is the cause.",
          command: look.command,
        },
      }),
      ...{ branches, steps: [] },
    },
  };
}

/** What the second look shows, in the order of the steps. */
const EXISTING_CONDITIONS = ["path", "none", "external", "other", "allowed", "account", "itself"] as const;

const OUTCOMES: Readonly<Record<(typeof EXISTING_CONDITIONS)[number], Pick<RemedyBranch, "when" | "cause">>> = {
  path: {
    when: "The ARN is another one than the pod names",
    cause: "the role has a path, which the pod does not name",
  },
  none: { when: "Nothing but the ARN is printed", cause: "the role does not trust podrole's server" },
  external: {
    when: "A printed Allow has a condition on sts:ExternalId",
    cause: "the pod does not name its value",
  },
  other: {
    when: "A Deny, or an Allow with a condition on something else, is printed",
    cause: "the trust policy leaves podrole's server out, perhaps on purpose",
  },
  allowed: {
    when: "An Allow without a condition is printed, and no Deny",
    cause: "the server's own policy does not allow it",
  },
  account: {
    when: "An Allow for the account or for all, without a condition, is printed, and no Deny",
    cause: "the server's own policy does not allow it",
  },
  itself: {
    when: "An Allow for the server itself, without a condition, is printed, and no Deny",
    cause: "a Deny in the policies of the server or of the organization",
  },
};

/** The commands after which those of aws reach an emulated STS. */
const REACHES_EMULATOR = /^(?:kubectl -n \S+ port-forward|export AWS_ENDPOINT_URL=)/;
const CORRECTION = /^kubectl .*\b(?:edit|annotate|patch)\b/;

/** Undefined for a correction of a misspelt role, and for commands before the look. */
function conditionOf(step: string): DenialCondition | undefined {
  const { purpose } = partsOfStep(step);
  const conditions = Object.keys(DENIAL_CONDITIONS) as DenialCondition[];
  return conditions.find((condition) => purpose.startsWith(DENIAL_CONDITIONS[condition]));
}

/** The branch has it. */
function withoutCondition(step: string): string {
  const condition = conditionOf(step);
  if (condition === undefined) return step;
  const { command, purpose } = partsOfStep(step);
  return `${command}${PURPOSE_MARK}${purpose.slice(DENIAL_CONDITIONS[condition].length)}`;
}

/** The statement that the server's message gives as an example. */
function trustStatement({ role = "", message = "" }: RemedyInput): Pick<RemedyBranch, "text" | "statement"> {
  const statement = messageParts(message).reasons.flatMap((reason) => statementIn(reason) ?? [])[0];
  if (statement === undefined) return {};
  return { text: `The trust policy of ${shortRole(role)} must have this statement:`, statement };
}
