// Explanations of podrole explain as text and as JSON.
import type { ContainerExplanation, Explanation } from "../../operations/explain/explanation.ts";
import { type SidecarState, sidecarEndText } from "../../operations/sidecar-state.ts";
import { escapeControls, jsonText } from "./text.ts";

/** Returns the explanations as JSON. Programs read the names of the fields, so they do not change. */
export function explainJson(explanations: readonly Explanation[]): string {
  return jsonText(explanations);
}

/** Returns a paragraph for each explanation. */
export function explainText(explanations: readonly Explanation[]): string {
  return explanations.map(explanationText).join("\n");
}

function explanationText({ object, now, existing, containers, notes, settings }: Explanation): string {
  const lines = [
    object,
    ...(existing?.state ? stateLines(existing.state).map((line) => `  ${line}`) : []),
    ...(existing
      ? [`  ${existing.injected ? "injected" : "not injected"} (created ${existing.since})${sidecarText(existing)}`]
      : []),
    `  ${existing ? "if created now: " : ""}${now.decision} (${now.reason}): ${now.message}`,
    ...containers.map((container) => `  ${containerText(container)}`),
    ...now.warnings.map((warning) => `  warning: ${warning}`),
    ...notes.map((note) => `  note: ${note}`),
    ...(settings.length > 0 ? [`  settings from ${settings.join(", ")}`] : []),
  ];
  return lines.map((line) => `${escapeControls(line)}\n`).join("");
}

/** First what the sidecar does, then why it last ended. */
function stateLines({ phase, reason, since, restarts, lastEnd }: SidecarState): readonly string[] {
  const cause = reason === undefined ? "" : `: ${reason}`;
  const restarted = restarts === 0 ? "" : restarts === 1 ? ", restarted once" : `, restarted ${restarts} times`;
  const started = since === undefined ? "" : ` (started ${since})`;
  return [
    `podrole-sidecar ${PHASES[phase]}${started}${cause}${restarted}`,
    ...(lastEnd && phase !== "ready"
      ? [`it last ended${lastEnd.at && ` at ${lastEnd.at}`} with ${sidecarEndText(lastEnd)}`]
      : []),
  ];
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

function containerText({
  container,
  role,
  allowed,
  undecided,
  namedBy,
  sessionName,
  code,
  message,
}: ContainerExplanation): string {
  if (allowed)
    return `container ${container}: ${role}, named by the ${ORIGIN_TEXTS[namedBy ?? ""]}, session name ${sessionName}`;
  if (undecided) return `container ${container}: the server decides: ${message}`;
  const reason = code === undefined ? message : `${code}: ${message}`;
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
