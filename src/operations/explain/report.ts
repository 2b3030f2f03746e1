// An explanation as people read it.
import { visible } from "../../cli/output/visible.ts";
import type { ContainerExplanation, Explanation } from "./explanation.ts";

export function explanationText({ object, now, existing, containers, notes, settings }: Explanation): string {
  const lines = [
    object,
    ...(existing
      ? [`  is ${existing.injected ? "injected" : "not injected"}, since ${existing.since}${sidecar(existing)}`]
      : []),
    `  ${existing ? "created now: " : ""}${now.decision} (${now.reason}): ${now.message}`,
    ...containers.map((container) => `  ${containerText(container)}`),
    ...now.warnings.map((warning) => `  warning: ${warning}`),
    ...notes.map((note) => `  note: ${note}`),
    `  settings from ${settings.join(", ")}`,
  ];
  return lines.map((line) => `${visible(line)}\n`).join("");
}

function sidecar({ sidecar: image, sidecarNow }: NonNullable<Explanation["existing"]>): string {
  if (image === undefined) return "";
  return sidecarNow === undefined ? `, by ${image}` : `, by ${image} (now it would be ${sidecarNow})`;
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
  if (allowed) return `container ${container}: ${role}, named by the ${ORIGINS[namedBy ?? ""]}, session ${sessionName}`;
  if (undecided) return `container ${container}: decided by the server: ${message}`;
  const reason = code === undefined ? message : `${code}: ${message}`;
  return `container ${container}: no credentials: ${reason}`;
}

const ORIGINS: Readonly<Record<string, string>> = {
  container: "pod's annotation for this container",
  pod: "pod's annotation",
  serviceAccount: "ServiceAccount's annotation",
  namespace: "namespace's annotation",
  default: "setting --default-role",
};
