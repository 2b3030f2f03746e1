// The decision on a pod as steps in the order in which podrole takes them, from podrole explain. Pure.
import type { ContainerExplanation, Explanation } from "../../src/operations/explain/model.ts";

/** One step. */
export interface DecisionStep {
  readonly title: string;
  readonly text: string;
  readonly details: readonly string[];
  readonly tone: "good" | "bad" | "notice" | "muted";
}

/** Returns the steps: settings, admission, role by container, what the pod got, its sidecar. */
export function decisionSteps({
  now,
  containers,
  existing,
  notes,
  settings,
  failure,
}: Explanation): readonly DecisionStep[] {
  return [
    settingsStep(settings, notes),
    {
      title: "Would the webhook inject it now?",
      text: `${now.decision} (${now.reason}): ${now.message}`,
      details: now.warnings,
      tone: DECISION_TONES[now.decision],
    },
    ...containers.map(roleStep),
    ...(existing === undefined ? [] : existingSteps(existing)),
    ...(failure === undefined
      ? []
      : [{ title: "Its pods cannot be created", text: failure, details: [], tone: "bad" as const }]),
  ];
}

const DECISION_TONES = { inject: "good", skip: "notice", refuse: "bad", unknown: "muted" } as const;

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
      text: injected ? `injected, created ${since}` : `not injected, created ${since}`,
      details: admitted,
      tone: injected ? "good" : "bad",
    },
  ];
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
        ...(lastEnd && !isReady
          ? [lastEnd.code === undefined ? lastEnd.message : `${lastEnd.code}: ${lastEnd.message}`]
          : []),
      ],
      tone: isReady ? "good" : "notice",
    });
  }
  if (differences.length > 0) {
    steps.push({ title: "Does the decision of now differ?", text: "yes", details: differences, tone: "notice" });
  }
  return steps;
}
