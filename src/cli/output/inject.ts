// What podrole inject and podrole uninject report about each pod, on standard error: standard output has the manifests.
import type { PlannedPod, UnknownPods } from "../../operations/inject/inject.ts";
import type { UninjectedPod } from "../../operations/inject/uninject.ts";
import { DECISION_TEXTS, remedyLines } from "./decision.ts";
import { escapeControls } from "./text.ts";

/** Returns a line for each pod, one for the remedy if it is refused, and one for each of its warnings. */
export function injectText(pods: readonly PlannedPod[]): string {
  return pods
    .flatMap(({ kind, name, plan: { decision, reason, message, warnings } }) => [
      `${kind}/${name}: ${DECISION_TEXTS[decision]} (${reason}): ${message}`,
      ...remedyLines(reason).map((line) => `  ${line}`),
      ...warnings.map(({ text }) => `  warning: ${text}`),
    ])
    .map((line) => `${escapeControls(line)}\n`)
    .join("");
}

/** Returns a warning for each role annotation that podrole can do nothing with. */
export function unknownPodsText(unknown: readonly UnknownPods[]): string {
  return unknown
    .map(({ kind, name, path }) => `${kind}/${name}: warning: ${unknownPodsSentence(path)}`)
    .map((line) => `${escapeControls(line)}\n`)
    .join("");
}

function unknownPodsSentence(path: string): string {
  return `the role annotation at ${path} is in no pod template that podrole knows, so nothing is injected here; the webhook injects the pods when they are created with the annotation`;
}

/** Returns a line for each pod. */
export function uninjectText(pods: readonly UninjectedPod[]): string {
  return pods.map((pod) => `${escapeControls(`${pod.kind}/${pod.name}: ${outcomeText(pod)}`)}\n`).join("");
}

function outcomeText({ outcome, message = "" }: UninjectedPod): string {
  switch (outcome) {
    case "removed":
      return "podrole removed";
    case "not injected":
      return "not injected";
    case "malformed":
      return message;
  }
}
