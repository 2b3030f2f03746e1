// What it means that no replica of podrole's server or webhook is ready, and what to do about it. Pure.
import { completeAnswer } from "./answer.ts";
import type { InstallationFacts } from "./installation-facts.ts";
import type { ProgramName, ReplicaCount } from "./installed.ts";
import { undoSteps } from "./installer.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import { withoutServerText } from "./running-pods.ts";
import type { AnsweredDiagnosis } from "./sidecar-diagnosis.ts";

/** What is wrong with a program, whom it concerns, and the commands that help. */
export interface Absence extends AnsweredDiagnosis {
  readonly remedy: string;
  readonly scope: string;
  readonly recovery: string;
}

/** Returns the absence; undefined if a replica is ready. */
export function absenceOf(
  program: ProgramName,
  count: ReplicaCount,
  { installer, sessionMs, running }: InstallationFacts,
): Absence | undefined {
  if (count.ready > 0) return undefined;
  const { namespace, name, wanted, reasons = [], since } = count;
  const lasting = since === undefined ? "" : ` since ${since}`;
  const state = [`0 of ${wanted}${lasting}`, ...reasons].join("; ");
  const absence: Absence = {
    cause: `podrole's ${program} has no ready replica (Deployment ${namespace}/${name}: ${state})`,
    remedy: remedyOf(program, count),
    scope: program === "server" ? withoutServerText(running, { since, sessionMs }) : WEBHOOK_SCOPE,
    recovery: RECOVERIES[program],
    verify: `kubectl -n ${namespace} rollout status deployment/${name} ends with successfully rolled out, and podrole check --quiet shows no ${program.toUpperCase()}_READY`,
    steps: absenceSteps(program, count, installer),
  };
  return completeAnswer(absence, { namespace, kind: "deployment", name });
}

function remedyOf(program: ProgramName, { wanted, unready }: ReplicaCount): string {
  if (wanted === 0) return `Scale the ${program} up: it has 0 replicas.`;
  switch (unready?.trouble) {
    case "image":
      return `Let the nodes pull ${unready.image ?? "the image"}, or let the Deployment name an image that exists.`;
    case "ended":
      return `Correct what the ${program}'s log says.`;
    case "other":
    case undefined:
      return `Correct what keeps the ${program}'s pods from being ready.`;
  }
}

const WEBHOOK_SCOPE =
  "all namespaces with the label podrole.io/inject: enabled: no pod can be created in them; running pods are not affected";

const RECOVERIES: Readonly<Record<ProgramName, string>> = {
  server: "by itself: waiting pods get credentials within 5 min of its first ready replica",
  webhook: "by itself: controllers create their pods again, after waits of at most 17 min",
};

/** When the former revision is the better remedy. */
const UNDO_CONDITIONS = {
  image: "only if that image does not exist or cannot be pulled soon, ",
  ended: "only if the log names nothing that you can correct, ",
} as const;

function absenceSteps(
  program: ProgramName,
  count: ReplicaCount,
  installer: InstallationFacts["installer"],
): readonly string[] {
  const { namespace, name, wanted, unready, revision = 1 } = count;
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  const deployment = objectArgument("deployment", name);
  if (wanted === 0) return [`${inNamespace} scale ${deployment} --replicas=2`];
  if (unready === undefined) return [`${inNamespace} describe ${deployment}`];
  const pod = objectArgument("pod", unready.name);
  const look =
    unready.trouble === "ended"
      ? `${inNamespace} logs ${pod} --previous  # shows why it ended`
      : `${inNamespace} describe ${pod}  # shows at the end, in its Events, what it waits for`;
  if (unready.trouble !== "other" && revision > 1) {
    return [look, ...undoSteps(installer, count, UNDO_CONDITIONS[unready.trouble])];
  }
  const image = `${inNamespace} set image ${deployment} ${program}=IMAGE  # IMAGE: one that the nodes can pull`;
  return [look, ...(unready.trouble === "image" ? [image] : [])];
}
