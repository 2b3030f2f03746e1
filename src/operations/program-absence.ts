// What it means that no replica of podrole's server or webhook is ready, and what to do about it. Pure.
import { formatAge } from "./format.ts";
import type { InstallationFacts } from "./installation-facts.ts";
import type { ProgramName, ReplicaCount } from "./installed.ts";
import { undoStep } from "./installer.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";
import type { Diagnosis } from "./sidecar-diagnosis.ts";

/** What is wrong with a program, whom it concerns, and the commands that help. */
export interface Absence extends Required<Diagnosis> {
  readonly scope: string;
  readonly steps: readonly string[];
}

/** Returns the absence; undefined if a replica is ready. */
export function absenceOf(
  program: ProgramName,
  count: ReplicaCount,
  { installer, sessionMs }: InstallationFacts,
): Absence | undefined {
  if (count.ready > 0) return undefined;
  const { namespace, name, wanted, reasons = [], since } = count;
  const lasting = since === undefined ? "" : ` since ${since}`;
  const state = [`0 of ${wanted}${lasting}`, ...reasons].join("; ");
  return {
    cause: `podrole's ${program} has no ready replica (Deployment ${namespace}/${name}: ${state})`,
    remedy: remedyOf(program, count),
    scope: program === "server" ? serverScope(since, sessionMs) : WEBHOOK_SCOPE,
    recovery: RECOVERIES[program],
    steps: absenceSteps(program, count, installer),
  };
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

/** A sidecar renews after at most 55 % of a lifetime, so this part is left to all when the server goes away. */
const LEFT_PERCENT = 45;

function serverScope(since: string | undefined, sessionMs: number | undefined): string {
  const waiting = "every pod that starts waits for it";
  if (since === undefined || sessionMs === undefined) {
    return `${waiting}; running pods keep their credentials until these expire`;
  }
  const leftMs = (LEFT_PERCENT * sessionMs) / 100;
  const first = new Date(Date.parse(since) + leftMs).toISOString().replace(".000Z", "Z");
  return `${waiting}; the credentials of running pods begin to expire at ${first} (${formatAge(leftMs)} after it went away)`;
}

const WEBHOOK_SCOPE = "no pod of a labelled namespace can be created; running pods are not affected";

const RECOVERIES: Readonly<Record<ProgramName, string>> = {
  server: "by itself: waiting pods get credentials within 5 min of its first ready replica",
  webhook: "by itself: controllers create their pods again, after waits of at most 17 min",
};

function absenceSteps(
  program: ProgramName,
  { namespace, name, wanted, unready, revision = 1 }: ReplicaCount,
  installer: InstallationFacts["installer"],
): readonly string[] {
  const inNamespace = `kubectl -n ${shellQuote(namespace)}`;
  const deployment = objectArgument("deployment", name);
  if (wanted === 0) return [`${inNamespace} scale ${deployment} --replicas=2`];
  if (unready === undefined) return [`${inNamespace} describe ${deployment}`];
  const pod = objectArgument("pod", unready.name);
  const look = unready.trouble === "ended" ? `${inNamespace} logs ${pod} --previous` : `${inNamespace} describe ${pod}`;
  if (unready.trouble !== "other" && revision > 1) {
    const comment = `back to the former revision: the present one is the ${ordinal(revision)}`;
    return [look, `${undoStep(installer, { namespace, name })}  # ${comment}`];
  }
  const image = `${inNamespace} set image ${deployment} ${program}=IMAGE  # IMAGE: one that the nodes can pull`;
  return [look, ...(unready.trouble === "image" ? [image] : [])];
}

function ordinal(count: number): string {
  const ending = { 1: "st", 2: "nd", 3: "rd" }[count % 100 > 10 && count % 100 < 14 ? 0 : count % 10] ?? "th";
  return `${count}${ending}`;
}
