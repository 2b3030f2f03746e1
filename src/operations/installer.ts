// How podrole was installed, from the marks that Helm leaves on its objects, and the commands that depend on it. Pure.
// (https://helm.sh/docs/topics/charts/#managed-by-and-release-annotations)
import type { ObjectMeta } from "../kubernetes/objects.ts";
import { LABELS } from "../policy/annotations.ts";
import type { ReplicaCount } from "./installed.ts";
import { objectArgument, shellCommentText, shellQuote } from "./migrate/shell-commands.ts";

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
      return `${reapplyRelease(installer)}  # creates what is missing of the release: ${FILLED_BY_SERVER}`;
    case "rendered":
      return `${REGISTER_BY_FILE}  # ${IN_SOURCES}, only until the tool that applied the chart applies it again: ${FILLED_BY_SERVER}`;
    case "try":
      return `kubectl apply -k manifests/overlays/try  # ${IN_SOURCES}: ${FILLED_BY_SERVER}`;
    case "manifests":
    case undefined:
      return `${REGISTER_BY_FILE}  # ${IN_SOURCES}, or the file of your overlay: ${FILLED_BY_SERVER}`;
  }
}

const IN_SOURCES = "in the sources of the installed version";
const FILLED_BY_SERVER = "caBundle is empty in it, and podrole-server fills it within a minute";
/** The file is the same in every overlay but that of a try installation. */
const REGISTER_BY_FILE = "kubectl apply -f manifests/base/webhook-configuration.yaml";

function reapplyRelease({ release, namespace }: { readonly release: string; readonly namespace: string }): string {
  const inNamespace = `-n ${shellQuote(namespace)}`;
  return `helm get manifest ${shellQuote(release)} ${inNamespace} | kubectl apply ${inNamespace} -f -`;
}

/** Returns the command with which an operator sees that the webhook is registered, and trusted again. */
export const REGISTERED_STEP =
  "podrole check --quiet  # go on when it shows none of WEBHOOK_REGISTERED, CA_BUNDLE and ADMISSION: until then pods are refused";

/** Returns the commands that run the former revision of one of podrole's Deployments again. */
export function undoSteps(
  installer: InstalledBy | undefined,
  { namespace, name, former }: Pick<ReplicaCount, "namespace" | "name" | "former">,
): readonly string[] {
  const inNamespace = `-n ${shellQuote(namespace)}`;
  const deployment = objectArgument("deployment", name);
  if (installer?.by === "helm") {
    const release = `${shellQuote(installer.release)} -n ${shellQuote(installer.namespace)}`;
    return [
      `helm history ${release}  # shows the revisions of the release`,
      `helm rollback ${release}  # back to the one before, if that was well`,
    ];
  }
  const undo = `kubectl ${inNamespace} rollout undo ${deployment} --to-revision=`;
  if (former !== undefined) {
    return [
      `${undo}${former.revision}  # back to revision ${former.revision} with image ${shellCommentText(former.image)}`,
    ];
  }
  return [
    `kubectl ${inNamespace} rollout history ${deployment}  # shows the revisions, and each with its image if --revision names it`,
    `${undo}REVISION  # REVISION: one that was well`,
  ];
}
