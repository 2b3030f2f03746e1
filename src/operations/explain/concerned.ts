// What explain knows about a pod, in the form in which diagnoses and commands need it. Pure.
import type { ConcernedPod } from "../code-steps.ts";
import { rolesNamedBy } from "../code-steps.ts";
import { findOriginal, imagesOf } from "../copied-pod.ts";
import { endedContainers } from "../ended-containers.ts";
import { type ConcernedObject, creatorOf, restartSteps, templateObject } from "../next-steps.ts";
import type { ExistingPod, ExplainInput, ExplainSettings } from "./model.ts";

/** Returns what is known about the pod. */
export function concernedPod(
  input: ExplainInput,
  { installation = {} }: ExplainSettings,
  existing: ExistingPod | undefined,
): ConcernedPod {
  const { pod, exists, kind, name, namespaceName: namespace, file } = input;
  const object: ConcernedObject = { kind: kind.toLowerCase(), name, namespace, file };
  const template = exists ? templateObject({ namespace, name }, creatorOf(pod)) : object;
  const annotations = pod.metadata.annotations;
  return {
    object,
    ...(exists && { restart: restartSteps(pod) }),
    roles: rolesNamedBy(template, annotations, {
      namespaceAnnotations: input.namespace?.metadata.annotations,
      baseArn: installation.baseArn,
    }),
    isCopy: existing?.isCopy,
    original: exists ? originalOf(input) : undefined,
    ended: endedContainers(pod),
    trust: input.trust,
    installation,
  };
}

/** Only a pod that nothing manages is made by kubectl debug. */
function originalOf({ pod, name, neighbours }: ExplainInput): ConcernedPod["original"] {
  if (neighbours === undefined || creatorOf(pod) !== `Pod/${name}`) return undefined;
  return findOriginal({ name, images: imagesOf(pod) }, neighbours.originals);
}
