// The decision on a pod as steps in the order in which podrole takes them, from podrole explain. Pure.
import type { ContainerExplanation, Explanation } from "../../src/operations/explain/model.ts";
import { shortRole } from "./roles.ts";
import { clockText } from "./time.ts";

/** One step. */
export interface DecisionStep {
  /** What it is about; absent if it decides nothing. */
  readonly mark?: DecisionMark;
  readonly title: string;
  readonly text: string;
  readonly details: readonly string[];
  readonly tone: "good" | "bad" | "notice" | "muted";
}

/** What a step is about. */
export type DecisionMark = "webhook" | "namespace" | "injected" | "AWS" | "sidecar" | "created" | "changed";

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
      mark: "webhook",
      title: DECISION_TITLES[now.decision],
      text: now.message,
      details: [...(now.decision === "inject" ? [] : [`reason ${now.reason}`]), ...now.warnings],
      tone: DECISION_TONES[now.decision],
    },
    ...containers.map(roleStep),
    ...(existing === undefined ? [] : existingSteps(existing)),
    ...(failure === undefined
      ? []
      : [
          {
            mark: "created" as const,
            title: "Its pods cannot be created",
            text: failure,
            details: [],
            tone: "bad" as const,
          },
        ]),
    settingsStep(settings, notes),
  ];
}

const DECISION_TONES = { inject: "good", skip: "notice", refuse: "bad", unknown: "muted" } as const;
const DECISION_TITLES = {
  inject: "The webhook would inject it now",
  skip: "The webhook would not inject it now",
  refuse: "The webhook would refuse it now",
  unknown: "It is not known what the webhook would do now",
} as const;

function settingsStep(settings: readonly string[], notes: readonly string[]): DecisionStep {
  const title = settings.length === 0 ? "The settings may not be read" : "These settings decide";
  return { title, text: settings.join(", "), details: notes, tone: notes.length > 0 ? "notice" : "muted" };
}

function roleStep(explanation: ContainerExplanation): DecisionStep {
  const { role, allowed, undecided, namedBy, sessionName, code, message } = explanation;
  const source = namedBy === undefined ? "" : `named by ${NAMED_BY[namedBy] ?? namedBy}`;
  return {
    mark: "namespace",
    title: roleTitle(explanation),
    text: [source, allowed ? "permitted by its namespace" : ""].filter(Boolean).join(", "),
    details: [
      ...(code === undefined ? [] : [`code ${code}`]),
      ...(message === undefined ? [] : [message]),
      ...(role === undefined ? [] : [role]),
      ...(sessionName === undefined ? [] : [`session ${sessionName} in CloudTrail`]),
    ],
    tone: allowed ? "good" : undecided || (role === undefined && code === undefined) ? "muted" : "bad",
  };
}

function roleTitle({ container, role, allowed, undecided, code }: ContainerExplanation): string {
  if (undecided) return `Only the server can resolve the role of container ${container}`;
  if (role !== undefined) return `Container ${container} may ${allowed ? "" : "not "}have role ${shortRole(role)}`;
  return code === undefined ? `Container ${container} names no role` : `Container ${container} may not have its role`;
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
    role === undefined ? [] : [`${container}: ${shortRole(role)} (${admittedBy ?? "by admission"})`],
  );
  const steps: DecisionStep[] = [
    {
      mark: "injected",
      title: injected ? "It was injected when it was created" : "It was not injected when it was created",
      text: clockText(since),
      details: admitted,
      tone: injected ? "good" : "bad",
    },
  ];
  steps.push(...containers.flatMap(awsStep));
  if (state !== undefined) {
    const { phase, reason, restarts, lastEnd } = state;
    const isReady = phase === "ready";
    const isOfAws = lastEnd?.code?.startsWith("STS_") === true;
    steps.push({
      mark: "sidecar",
      title: `Its sidecar is ${reason === undefined ? phase : `${phase} (${reason})`}`,
      text: restarts > 0 ? restartsText(restarts) : "",
      details: [
        ...causes,
        // A code and its message are with the container's cause.
        ...(lastEnd && !isReady && lastEnd.code === undefined ? [lastEnd.message] : []),
      ],
      // What the sidecar reports of AWS is no second fault: it waits.
      tone: isReady ? "good" : isOfAws ? "muted" : lastEnd?.code ? "bad" : "notice",
    });
  }
  if (differences.length > 0) {
    const title = "The decision of now differs from what it has";
    steps.push({ mark: "changed", title, text: "", details: differences, tone: "notice" });
  }
  return steps;
}

/** "1 restart", "4 restarts". */
export function restartsText(restarts: number): string {
  return `${restarts} restart${restarts === 1 ? "" : "s"}`;
}

/** A code of STS: everything before AWS went well. */
function awsStep({
  container,
  code,
  expires,
}: NonNullable<NonNullable<Explanation["existing"]>["containers"]>[number]): readonly DecisionStep[] {
  if (!code?.startsWith("STS_")) return [];
  const [title, tone] =
    expires === undefined
      ? ([`AWS does not give container ${container} the role`, "bad"] as const)
      : ([`AWS refused the last renewal of container ${container}`, "notice"] as const);
  return [{ mark: "AWS", title, text: "", details: [], tone }];
}

/** The steps in a few words each, those about the same thing by the worst of them. */
export function decisionMarks(
  steps: readonly DecisionStep[],
): readonly { readonly text: string; readonly tone: DecisionStep["tone"] }[] {
  const byMark = Map.groupBy(steps, ({ mark }) => mark);
  return [...byMark].flatMap(([mark, all]) => {
    const tone = WORST_TONES.find((each) => all.some((step) => step.tone === each));
    if (mark === undefined || tone === undefined) return [];
    const texts = MARK_TEXTS[mark];
    return [{ text: texts[tone] ?? texts.good, tone }];
  });
}

/** By tone; that of "good" stands for the others too. */
const MARK_TEXTS: Readonly<
  Record<DecisionMark, { readonly good: string } & Readonly<Partial<Record<DecisionStep["tone"], string>>>>
> = {
  webhook: { good: "webhook" },
  namespace: {
    good: "permitted by the namespace",
    bad: "not permitted by the namespace",
    muted: "namespace not asked",
  },
  injected: { good: "injected", bad: "not injected" },
  AWS: { good: "AWS", bad: "AWS gives no role", notice: "AWS refused the last renewal" },
  sidecar: { good: "sidecar", muted: "sidecar waits", notice: "sidecar not ready" },
  created: { good: "created", bad: "not created" },
  changed: { good: "changed since" },
};

const WORST_TONES = ["bad", "notice", "muted", "good"] as const;
