// Explanations of podrole explain as text and as JSON.
import { accountsText } from "../../operations/aws-accounts.ts";
import { readCreationFailure } from "../../operations/creation-failure.ts";
import type { ContainerExplanation, ContainerInPod, ExistingPod, Explanation } from "../../operations/explain/model.ts";
import { stepFields } from "../../operations/next-steps.ts";
import type { SidecarState } from "../../operations/sidecar-state.ts";
import { DECISION_TEXTS } from "./decision.ts";
import { diagnosisLines } from "./diagnosis.ts";
import { escapeControls, jsonText } from "./text.ts";

/** Returns the explanations as JSON. Programs read the names of the fields, so they do not change. */
export function explainJson(explanations: readonly Explanation[]): string {
  return jsonText(explanations);
}

/** Returns a paragraph for each explanation. */
export function explainText(explanations: readonly Explanation[]): string {
  return explanations.map(explanationText).join("\n");
}

function explanationText(explanation: Explanation): string {
  const { next, ...diagnosis } = explanation;
  const { object, cause, now, existing, notes, settings } = diagnosis;
  const present = existing ? existingLines(existing, cause) : [];
  const lines = [
    ...diagnosisLines({ ...diagnosis, ...stepFields(next) }),
    ...(cause === undefined ? (existing?.differences ?? []).map((difference) => `differs: ${difference}`) : []),
    ...present,
    ...decisionLines(explanation),
    ...now.warnings.filter((text) => !isSaid(text, explanation)).map((warning) => `warning: ${warning}`),
    ...notes.filter((text) => !isSaid(text, explanation)).map((note) => `note: ${note}`),
    ...(settings.length > 0 && cause === undefined ? [`settings from ${settings.join(", ")}`] : []),
  ];
  return [object, ...lines.map((line) => `  ${line}`)].map((line) => `${escapeControls(line)}\n`).join("");
}

/** Reports whether the cause has said what a warning or a note repeats. */
function isSaid(text: string, { cause, now, existing }: Explanation): boolean {
  if (cause === undefined) return false;
  const isOfCopy = existing?.isCopy === true && text.includes("kubectl debug");
  const isOfLabel =
    now.reason === "NAMESPACE_NOT_LABELLED" && /NAMESPACE_NOT_LABELLED|do not match this pod/.test(text);
  return isOfCopy || isOfLabel;
}

/**
 * What becomes of a new pod, and of each of its containers. Neither is said of an injected pod that would be injected
 * again, and a refusal that the cause has said is not repeated.
 */
function decisionLines(explanation: Explanation): readonly string[] {
  const { object, cause, now, failure, obstacle, afterwards, existing, containers } = explanation;
  const isSame = existing?.injected === true && now.decision === "inject" && obstacle === undefined;
  const isStuck = isSame && cause !== undefined;
  const when = object.startsWith("pod/") ? "a new pod, if created now" : "its next pods";
  const decision = `${DECISION_TEXTS[now.decision]} (${now.reason})`;
  const failed = failure === undefined ? undefined : readCreationFailure(failure);
  const isRefusedAsSaid = failed?.by === "podrole" && now.decision === "refuse" && failed.code === now.reason;
  const isRepeated = now.decision !== "inject" && cause?.includes(now.message) === true;
  const why = isRefusedAsSaid ? "as the last ones" : isRepeated ? "see the cause" : now.message;
  const without = failure === undefined ? "not injected" : "not created";
  const isLabelSaid = cause !== undefined && now.reason === "NAMESPACE_NOT_LABELLED";
  const isObstacleSaid = obstacle !== undefined && cause?.includes(obstacle) === true;
  // A copy is not created by something that would create it again.
  const isOfCopy = existing?.isCopy === true || cause?.startsWith(`${now.reason}: the pod is a copy`) === true;
  return [
    ...(isStuck || isObstacleSaid || isLabelSaid || isOfCopy
      ? []
      : [
          `${when}: ${obstacle === undefined ? `${decision}: ${why}${untriedText(now.decision)}` : `${without}: ${obstacle}`}`,
        ]),
    ...(afterwards
      ? [
          `a new pod, once ${afterwards.condition}: ${DECISION_TEXTS[afterwards.decision]} (${afterwards.reason}): ${afterwards.message}${untriedText(afterwards.decision)}`,
        ]
      : []),
    ...containers
      .filter(({ allowed }) => !(isStuck && allowed))
      .map((container) => containerText(container, now.message)),
  ];
}

/** podrole's decision says nothing about STS. */
function untriedText(decision: Explanation["now"]["decision"]): string {
  return decision === "inject" ? "; whether STS gives the role was not tried" : "";
}

/** What the pod is now: its sidecar, why that is not ready unless the cause says so, and what its containers hold. */
function existingLines(existing: ExistingPod, cause: string | undefined): readonly string[] {
  const { injected, isCopy, since, state, ended, causes = [], containers = [], serverAccount } = existing;
  const accounts = accountsText(
    containers.flatMap(({ holds, admitted }) => holds ?? admitted ?? []),
    serverAccount,
  );
  return [
    ...(ended ? [`the pod has ended: ${ended}`] : []),
    ...(state ? [stateLine(state)] : []),
    ...causes.filter((text) => cause === undefined || !cause.includes(text)),
    `${isCopy ? "a copy with podrole-sidecar" : injected ? "injected" : "not injected"} (created ${since})${sidecarText(existing)}`,
    ...containers.flatMap(inPodText),
    ...(accounts === undefined ? [] : [accounts]),
  ];
}

/** "container app asks for ROLE; holds nothing", as far as it is known. */
function inPodText(inPod: ContainerInPod): readonly string[] {
  const { container, admitted, holds, source, expires, renewed, code, unknown } = inPod;
  const ended = code === undefined ? "" : `; last refused with ${code}`;
  if (holds !== undefined) {
    const times = [expires && `until ${expires}`, renewed && `renewed ${renewed}`].filter(Boolean).join(", ");
    const origin = source === "reported" ? ", as the pod reports" : "";
    return [`container ${container} holds ${holds}${times && ` ${times}`}${ended}${origin}`];
  }
  const asked = admitted === undefined ? "" : ` asks for ${admitted}${admittedText(inPod)}`;
  if (code !== undefined) return [`container ${container}${asked ? `${asked};` : ""} holds nothing${ended}`];
  if (unknown !== undefined) {
    return [`container ${container}${asked}${asked ? "; what it holds" : ": what it holds"} is unknown: ${unknown}`];
  }
  if (asked !== "") return [`container ${container}${asked}; holds nothing`];
  return inPod.admittedBy === undefined ? [] : [`container ${container} got no role at admission`];
}

function admittedText({ admittedBy }: ContainerInPod): string {
  return admittedBy === "pin" ? " (its pin at admission)" : ` (${admittedBy})`;
}

/** What the sidecar does, and how it last ended: a code stands for its message, which the cause has said. */
function stateLine({ phase, reason, since, restarts, lastEnd }: SidecarState): string {
  const { code, message = "", at = "" } = lastEnd ?? {};
  // The kubelet's reason is Completed also for a sidecar that ended with an error once its hook had failed.
  const why = reason === undefined || (phase === "ended" && code !== undefined) ? "" : `: ${reason}`;
  const restarted = restarts === 0 ? "" : restarts === 1 ? ", restarted once" : `, restarted ${restarts} times`;
  const started = since === undefined ? "" : ` (started ${since})`;
  const ended =
    lastEnd === undefined || phase === "ready" ? "" : `; it last ended${at && ` at ${at}`} with ${code ?? message}`;
  return `podrole-sidecar ${PHASES[phase]}${started}${why}${restarted}${ended}`;
}

const PHASES: Readonly<Record<SidecarState["phase"], string>> = {
  ready: "is ready",
  starting: "runs and has no credentials yet",
  waiting: "is not running",
  ended: "has ended",
  absent: "has not been started",
};

function sidecarText({ sidecar: image, sidecarNow }: NonNullable<Explanation["existing"]>): string {
  if (image === undefined) return "";
  return sidecarNow === undefined
    ? `, sidecar image ${image}`
    : `, sidecar image ${image} (if created now: ${sidecarNow})`;
}

/** `said`: a message that is not repeated. */
function containerText(
  { container, role, allowed, undecided, namedBy, sessionName, code, message }: ContainerExplanation,
  said: string,
): string {
  const origin = namedBy === undefined ? "" : ` (${ORIGIN_TEXTS[namedBy]})`;
  if (allowed) return `container ${container} asks for ${role}${origin}: session name ${sessionName}`;
  if (undecided) return `container ${container}: the server decides: ${message}`;
  const reason = code === undefined ? message : `${code}: ${message}`;
  if (message === said && role !== undefined)
    return `container ${container} asks for ${role}${origin}: refused (${code})`;
  return `container ${container}: no credentials: ${reason}`;
}

const ORIGIN_TEXTS: Readonly<Record<string, string>> = {
  container: "the pod's annotation for this container",
  pod: "the pod's annotation",
  serviceAccount: "the ServiceAccount's annotation",
  namespace: "the namespace's annotation",
  default: "the setting --default-role",
  pin: "the pin that the webhook wrote, --pin-roles",
};
