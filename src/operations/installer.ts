// How podrole was installed, from the marks that Helm leaves on its objects, and the commands that depend on it. Pure.
// (https://helm.sh/docs/topics/charts/#managed-by-and-release-annotations)
import type { ObjectMeta } from "../kubernetes/objects.ts";
import { LABELS } from "../policy/annotations.ts";
import { VERSION } from "../runtime/version.ts";
import type { ReplicaCount } from "./installed.ts";
import { objectArgument, shellCommentText, shellQuote } from "./migrate/shell-commands.ts";
import { USUAL_NAMESPACE } from "./podrole-namespace.ts";

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

/** What the command that registers the webhook depends on. */
export interface RegisteredInstallation {
  /** Absent: the manifests are assumed. */
  readonly installer?: InstalledBy | undefined;
  /** podrole's own namespace; absent: that of the manifests. */
  readonly namespace?: string | undefined;
  /** The installed version; absent if unknown. */
  readonly version?: string | undefined;
}

/** Returns the command that registers podrole's webhook again. */
export function registerStep({ installer, namespace, version }: RegisteredInstallation): string {
  const installed = version === undefined ? "podrole" : `podrole ${version}`;
  switch (installer?.by) {
    case "helm":
      return `${reapplyRelease(installer)}  # creates what is missing of the release, ${installed}: ${FILLED_BY_SERVER}`;
    case "rendered":
      return `${printed(namespace)}  # ${registered(version)}, only until the tool that applied the chart applies it again: ${FILLED_BY_SERVER}`;
    case "try":
      return `kubectl apply -k manifests/overlays/try  # in the sources of ${installed}: ${FILLED_BY_SERVER}`;
    case "manifests":
    case undefined:
      return `${printed(namespace)}  # ${registered(version)}: ${FILLED_BY_SERVER}`;
  }
}

const FILLED_BY_SERVER = "caBundle is empty in it, and podrole-server fills it within a minute";

function printed(namespace = USUAL_NAMESPACE): string {
  const place = namespace === USUAL_NAMESPACE ? "" : ` --podrole-namespace ${shellQuote(namespace)}`;
  return `podrole check --print-webhook${place} | kubectl apply -f -`;
}

/** Versions differ if the command line is of another one. */
function registered(version: string | undefined): string {
  if (version === VERSION) return `registers the webhook of podrole ${VERSION}, the installed version`;
  const other =
    version === undefined ? "" : `; ${version} is installed: use the command line of that version if there is one`;
  return `registers the webhook of podrole ${VERSION}, the version of this command line${other}`;
}

function reapplyRelease({ release, namespace }: { readonly release: string; readonly namespace: string }): string {
  const inNamespace = `-n ${shellQuote(namespace)}`;
  return `helm get manifest ${shellQuote(release)} ${inNamespace} | kubectl apply ${inNamespace} -f -`;
}

/** Returns the command with which an operator sees that the webhook is registered, and trusted again. */
export const REGISTERED_STEP =
  "podrole check --quiet  # go on when it shows none of WEBHOOK_REGISTERED, CA_BUNDLE and ADMISSION, which tests whether the API server calls the webhook: until then pods are refused";

/**
 * Returns the commands that run the former revision of one of podrole's Deployments again. `condition` begins the
 * purpose of the one that does it.
 */
export function undoSteps(
  installer: InstalledBy | undefined,
  { namespace, name, former }: Pick<ReplicaCount, "namespace" | "name" | "former">,
  condition = "",
): readonly string[] {
  const inNamespace = `-n ${shellQuote(namespace)}`;
  const deployment = objectArgument("deployment", name);
  if (installer?.by === "helm") {
    const release = `${shellQuote(installer.release)} -n ${shellQuote(installer.namespace)}`;
    return [
      `helm history ${release}  # shows the revisions of the release`,
      `helm rollback ${release}  # ${condition}back to the one before, if that was well`,
    ];
  }
  const undo = `kubectl ${inNamespace} rollout undo ${deployment} --to-revision=`;
  if (former !== undefined) {
    return [
      `${undo}${former.revision}  # ${condition}back to revision ${former.revision} with image ${shellCommentText(former.image)}`,
    ];
  }
  return [
    `kubectl ${inNamespace} rollout history ${deployment}  # shows the revisions, and each with its image if --revision names it`,
    `${undo}REVISION  # ${condition}REVISION: one that was well`,
  ];
}
