// Explanations of podrole explain as text and as JSON.
import { readCreationFailure } from "../../operations/creation-failure.ts";
import type { ContainerExplanation, ContainerInPod, ExistingPod, Explanation } from "../../operations/explain/model.ts";
import type { SidecarState } from "../../operations/sidecar-state.ts";
import { DECISION_TEXTS } from "./decision.ts";
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
  const { object, cause, remedy, now, existing, next, notes, settings } = explanation;
  const present = existing ? existingLines(existing, cause).map((line) => `  ${line}`) : [];
  const decided = decisionLines(explanation).map((line) => `  ${line}`);
  const lines = [
    object,
    ...(cause === undefined ? [] : [`  cause: ${cause}`]),
    ...(remedy === undefined ? [] : [`  remedy: ${remedy}`]),
    ...(existing?.differences ?? []).map((difference) => `  differs: ${difference}`),
    ...next.map((step) => `  next: ${step}`),
    ...present,
    ...decided,
    ...now.warnings.map((warning) => `  warning: ${warning}`),
    ...notes.map((note) => `  note: ${note}`),
    ...(settings.length > 0 ? [`  settings from ${settings.join(", ")}`] : []),
  ];
  return lines.map((line) => `${escapeControls(line)}\n`).join("");
}

/** What becomes of a new pod, and of each of its containers. A refusal that the cause has said is not repeated. */
function decisionLines({ object, cause, now, failure, obstacle, afterwards, containers }: Explanation) {
  const when = object.startsWith("pod/") ? "if created now" : "its next pods";
  const decision = `${DECISION_TEXTS[now.decision]} (${now.reason})`;
  const failed = failure === undefined ? undefined : readCreationFailure(failure);
  const isSaid = failed?.by === "podrole" && now.decision === "refuse" && failed.code === now.reason;
  const isRepeated = now.decision === "refuse" && cause?.includes(now.message) === true;
  const why = isSaid ? "as the last ones" : isRepeated ? "see the cause" : now.message;
  const without = failure === undefined ? "not injected" : "not created";
  return [
    `${when}: ${obstacle === undefined ? `${decision}: ${why}` : `${without}: ${obstacle}`}`,
    ...(afterwards
      ? [
          `once ${afterwards.condition}: ${DECISION_TEXTS[afterwards.decision]} (${afterwards.reason}): ${afterwards.message}`,
        ]
      : []),
    ...containers.map((container) => containerText(container, now.message)),
  ];
}

/** What the pod is now: its sidecar, why that is not ready unless the cause says so, and what its containers hold. */
function existingLines(existing: ExistingPod, cause: string | undefined): readonly string[] {
  const { injected, since, state, causes = [], containers = [] } = existing;
  return [
    ...(state ? [stateLine(state)] : []),
    ...causes.filter((text) => text !== cause),
    `${injected ? "injected" : "not injected"} (created ${since})${sidecarText(existing)}`,
    ...containers.flatMap(inPodText),
  ];
}

function inPodText(inPod: ContainerInPod): readonly string[] {
  const { container, holds, source, expires, renewed, code, unknown } = inPod;
  const ended = code === undefined ? "" : `; last refused with ${code}`;
  if (holds !== undefined) {
    const times = [expires && `until ${expires}`, renewed && `renewed ${renewed}`].filter(Boolean).join(", ");
    const origin = source === "reported" ? ", as the pod reports" : "";
    return [`container ${container} holds ${holds}${times && ` ${times}`}${ended}${origin}`];
  }
  if (code !== undefined) return [`container ${container} holds no credentials${ended}`];
  const known = [admittedText(inPod), unknown && `what it holds is unknown: ${unknown}`].filter(Boolean);
  return known.length === 0 ? [] : [`container ${container}: ${known.join("; ")}`];
}

function admittedText({ admitted, admittedBy }: ContainerInPod): string | undefined {
  if (admittedBy === undefined) return undefined;
  const origin = admittedBy === "pin" ? "its pin" : admittedBy;
  return `${admitted ?? "no role"} at admission (${origin})`;
}

/** What the sidecar does, and how it last ended: a code stands for its message, which the cause has said. */
function stateLine({ phase, reason, since, restarts, lastEnd }: SidecarState): string {
  const why = reason === undefined ? "" : `: ${reason}`;
  const restarted = restarts === 0 ? "" : restarts === 1 ? ", restarted once" : `, restarted ${restarts} times`;
  const started = since === undefined ? "" : ` (started ${since})`;
  const ended =
    lastEnd === undefined || phase === "ready"
      ? ""
      : `; it last ended${lastEnd.at && ` at ${lastEnd.at}`} with ${lastEnd.code ?? lastEnd.message}`;
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
  if (allowed)
    return `container ${container}: ${role}, named by the ${ORIGIN_TEXTS[namedBy ?? ""]}, session name ${sessionName}`;
  if (undecided) return `container ${container}: the server decides: ${message}`;
  const reason = code === undefined ? message : `${code}: ${message}`;
  if (message === said && role !== undefined && namedBy !== undefined) {
    return `container ${container}: ${role}, named by the ${ORIGIN_TEXTS[namedBy]}: refused (${code})`;
  }
  return `container ${container}: no credentials: ${reason}`;
}

const ORIGIN_TEXTS: Readonly<Record<string, string>> = {
  container: "pod's annotation for this container",
  pod: "pod's annotation",
  serviceAccount: "ServiceAccount's annotation",
  namespace: "namespace's annotation",
  default: "setting --default-role",
  pin: "pin that the webhook wrote (--pin-roles)",
};
