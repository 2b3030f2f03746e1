// Commands around the one that deletes a pod which nothing creates again: whether STS gives the role is tried first
// with a pod of its own, and a way back is printed. podrole's own decision says nothing about STS. Pure.
import type { Pod } from "../kubernetes/objects.ts";
import { ANNOTATIONS } from "../policy/annotations.ts";
import { isShortRole, parseRoleArn } from "../policy/role.ts";
import { type ContainerImages, imagesOf, isImageName } from "./copied-pod.ts";
import { shellCommentText, shellQuote } from "./migrate/shell-commands.ts";
import { createAsBeforeStep, creatorOf, restartWorkloadSteps } from "./next-steps.ts";
import { PURPOSE_MARK } from "./step-parts.ts";

/** A pod that is to get a role by being created again. */
export interface TriedPod {
  readonly namespace: string;
  readonly name: string;
  /** What creates it again, as "Deployment/orders"; "Pod/NAME" if nothing does. */
  readonly creator: string;
  /** Of its own containers. */
  readonly images: ContainerImages;
  /** The role as an annotation names it; undefined if none of the pod does. */
  readonly role: string | undefined;
}

/** Returns a pod of the cluster. `role`: as an annotation names it. */
export function triedPod(pod: Pod, role: string | undefined): TriedPod {
  const { namespace = "", name = "" } = pod.metadata;
  return { namespace, name, creator: creatorOf(pod), images: imagesOf(pod), role };
}

/** STS gives no other one, so there is nothing to try; whoever makes a pod may write any text. */
function isLegalRole(role: string | undefined): role is string {
  return role !== undefined && (parseRoleArn(role) !== undefined || isShortRole(role));
}

/** Room for "-trial" in the longest name of a pod. */
const MAX_NAME_LENGTH = 240;

/**
 * Returns the command that tries the role with a pod that ends at once; none if its controller replaces pods safely, or
 * if the role or the image has no legal name.
 */
export function trialSteps(
  { namespace, name, creator, images, role }: TriedPod,
  purpose = "before the pod is deleted",
): readonly string[] {
  const [image] = Object.values(images);
  if (!creator.startsWith("Pod/") || !isLegalRole(role) || image === undefined || !isImageName(image)) return [];
  const trial = shellQuote(`${name.slice(0, MAX_NAME_LENGTH)}-trial`);
  const annotation = shellQuote(`${ANNOTATIONS.role}=${role}`);
  const refusals = `podrole status refusals -n ${shellCommentText(namespace)}`;
  return [
    `kubectl -n ${shellQuote(namespace)} run ${trial} --image=${shellQuote(image)} --annotations=${annotation} --restart=Never --attach --rm --pod-running-timeout=2m --command -- true${PURPOSE_MARK}${purpose}, tries whether STS gives the role, with a pod that ends at once and is deleted: an error, after 2 minutes at most, means that it has not started, and ${refusals} says whether STS refused it: then leave the pod as it is`,
  ];
}

/**
 * Returns the commands after which a pod that was not injected is created again, with a trial before and the way back
 * behind them if nothing else creates it.
 */
export function injectedRestartSteps(pod: TriedPod): readonly string[] {
  const { namespace, name, creator } = pod;
  const restart = restartWorkloadSteps({ namespace, pod: name, workload: creator });
  if (!creator.startsWith("Pod/")) return restart;
  const purpose =
    "only if the new pod does not start, the way back: creates it as it was, without podrole and without its role";
  return [
    ...trialSteps(pod),
    ...restart,
    createAsBeforeStep({ namespace, name }, { annotation: ANNOTATIONS.inject, value: "disabled", purpose }),
  ];
}

/** Returns the role of the whole pod, else that of its first container, by the pod's annotations. */
export function firstRole(named: Readonly<Record<string, string>> = {}): string | undefined {
  return named[ANNOTATIONS.role] ?? Object.values(named)[0];
}
