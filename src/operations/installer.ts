// How podrole was installed, from the marks that Helm leaves on its objects, and the commands that depend on it. Pure.
// (https://helm.sh/docs/topics/charts/#managed-by-and-release-annotations)
import type { ObjectMeta } from "../kubernetes/objects.ts";
import { LABELS } from "../policy/annotations.ts";
import { objectArgument, shellQuote } from "./migrate/shell-commands.ts";

/**
 * "helm": a release of Helm. "rendered": the chart, applied by another tool, such as Argo CD. "try": the manifests of a
 * try installation. "manifests": those of manifests/base or of an overlay.
 */
export type InstalledBy =
  | { readonly by: "helm"; readonly release: string; readonly namespace: string }
  | { readonly by: "rendered" | "try" | "manifests" };

/** Finds out by podrole's own objects; undefined without one. */
export function installerOf(objects: readonly { readonly metadata: ObjectMeta }[]): InstalledBy | undefined {
  const [first] = objects;
  if (first === undefined) return undefined;
  for (const { metadata } of objects) {
    const { annotations = {}, namespace = "" } = metadata;
    const release = annotations["meta.helm.sh/release-name"];
    const place = annotations["meta.helm.sh/release-namespace"] ?? namespace;
    if (release !== undefined) return { by: "helm", release, namespace: place };
  }
  const { labels = {} } = first.metadata;
  if (labels["app.kubernetes.io/managed-by"] === "Helm") return { by: "rendered" };
  return { by: labels[LABELS.tried] === "true" ? "try" : "manifests" };
}

/** Returns the command that registers podrole's webhook again. Without an installer: that of the manifests. */
export function registerStep(installer: InstalledBy | undefined): string {
  switch (installer?.by) {
    case "helm":
      return `${reapplyRelease(installer)}  # creates what is missing of the release`;
    case "rendered":
      return `${REGISTER_BY_FILE}  # then let the tool that applied the chart apply it again`;
    case "try":
      return "kubectl apply -k manifests/overlays/try";
    case "manifests":
    case undefined:
      return REGISTER_BY_FILE;
  }
}

/** The file is the same in every overlay but that of a try installation. */
const REGISTER_BY_FILE = "kubectl apply -f manifests/base/webhook-configuration.yaml";

function reapplyRelease({ release, namespace }: { readonly release: string; readonly namespace: string }): string {
  const inNamespace = `-n ${shellQuote(namespace)}`;
  return `helm get manifest ${shellQuote(release)} ${inNamespace} | kubectl apply ${inNamespace} -f -`;
}

/** Returns the command that runs the former revision of one of podrole's Deployments again. */
export function undoStep(
  installer: InstalledBy | undefined,
  { namespace, name }: { readonly namespace: string; readonly name: string },
): string {
  return installer?.by === "helm"
    ? `helm rollback ${shellQuote(installer.release)} -n ${shellQuote(installer.namespace)}`
    : `kubectl -n ${shellQuote(namespace)} rollout undo ${objectArgument("deployment", name)}`;
}
