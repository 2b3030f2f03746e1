// The decision on a pod as steps in the order in which podrole takes them, from podrole explain. Pure.
import type { ContainerExplanation, Explanation } from "../../src/operations/explain/model.ts";
import { clockText } from "./time.ts";

/** One step. */
export interface DecisionStep {
  readonly title: string;
  readonly text: string;
  readonly details: readonly string[];
  readonly tone: "good" | "bad" | "notice" | "muted";
}

/** Returns the steps: admission, role by container, what the pod got, AWS, its sidecar, and the settings behind them. */
export function decisionSteps({
  now,
  containers,
  existing,
  notes,
  settings,
  failure,
}: Explanation): readonly DecisionStep[] {
  return [
    {
      title: "Would the webhook inject it now?",
      text: `${DECISION_WORDS[now.decision]}: ${now.message}`,
      details: [...(now.decision === "inject" ? [] : [`reason ${now.reason}`]), ...now.warnings],
      tone: DECISION_TONES[now.decision],
    },
    ...containers.map(roleStep),
    ...(existing === undefined ? [] : existingSteps(existing)),
    ...(failure === undefined
      ? []
      : [{ title: "Its pods cannot be created", text: failure, details: [], tone: "bad" as const }]),
    settingsStep(settings, notes),
  ];
}

const DECISION_TONES = { inject: "good", skip: "notice", refuse: "bad", unknown: "muted" } as const;
const DECISION_WORDS = {
  inject: "Yes",
  skip: "No",
  refuse: "No, the pod would be refused",
  unknown: "It cannot be said",
} as const;

function settingsStep(settings: readonly string[], notes: readonly string[]): DecisionStep {
  const text = settings.length === 0 ? "the settings may not be read" : `decided by ${settings.join(", ")}`;
  return { title: "Which settings decide?", text, details: notes, tone: notes.length > 0 ? "notice" : "muted" };
}

function roleStep({
  container,
  role,
  allowed,
  undecided,
  namedBy,
  sessionName,
  code,
  message,
}: ContainerExplanation): DecisionStep {
  const named =
    role === undefined ? "no role" : namedBy === undefined ? role : `${role}, named by ${NAMED_BY[namedBy] ?? namedBy}`;
  const outcome = undecided
    ? "only the server can resolve it"
    : allowed
      ? "permitted by its namespace"
      : role === undefined && code === undefined
        ? ""
        : "not permitted";
  return {
    title: `Which role may container ${container} have?`,
    text: [named, outcome].filter(Boolean).join(": "),
    details: [
      ...(code === undefined ? [] : [`code ${code}`]),
      ...(message === undefined ? [] : [message]),
      ...(sessionName === undefined ? [] : [`session ${sessionName} in CloudTrail`]),
    ],
    tone: allowed ? "good" : undecided || (role === undefined && code === undefined) ? "muted" : "bad",
  };
}

const NAMED_BY: Readonly<Record<string, string>> = {
  container: "the annotation of the container",
  pod: "the pod's annotation",
  serviceAccount: "its ServiceAccount's annotation",
  namespace: "the namespace's default",
  default: "the default of the installation",
  pin: "the pin in the pod's spec",
};

function existingSteps({
  injected,
  since,
  containers = [],
  state,
  causes = [],
  differences = [],
}: NonNullable<Explanation["existing"]>): readonly DecisionStep[] {
  const admitted = containers.flatMap(({ container, admitted: role, admittedBy }) =>
    role === undefined ? [] : [`${container}: ${role} (${admittedBy ?? "by admission"})`],
  );
  const steps: DecisionStep[] = [
    {
      title: "What did it get at admission?",
      text: `${injected ? "injected" : "not injected"}, created ${clockText(since)}`,
      details: admitted,
      tone: injected ? "good" : "bad",
    },
  ];
  steps.push(...containers.flatMap(awsStep));
  if (state !== undefined) {
    const { phase, reason, restarts, lastEnd } = state;
    const isReady = phase === "ready";
    steps.push({
      title: "What does its sidecar do?",
      text: [reason === undefined ? phase : `${phase} (${reason})`, restarts > 0 && `${restarts} restarts`]
        .filter(Boolean)
        .join(", "),
      details: [
        ...causes,
        // The message of a code is with the container's cause.
        ...(lastEnd && !isReady
          ? [lastEnd.code === undefined ? lastEnd.message : `it ended with ${lastEnd.code}`]
          : []),
      ],
      tone: isReady ? "good" : lastEnd?.code ? "bad" : "notice",
    });
  }
  if (differences.length > 0) {
    steps.push({ title: "Does the decision of now differ?", text: "yes", details: differences, tone: "notice" });
  }
  return steps;
}

/** A code of STS: everything before AWS went well. */
function awsStep({
  container,
  code,
  expires,
}: NonNullable<NonNullable<Explanation["existing"]>["containers"]>[number]): readonly DecisionStep[] {
  if (!code?.startsWith("STS_")) return [];
  const title = `Does AWS give container ${container} the role?`;
  return expires === undefined
    ? [{ title, text: `no: ${code}`, details: [], tone: "bad" }]
    : [{ title, text: `not at the last renewal: ${code}`, details: [], tone: "notice" }];
}
