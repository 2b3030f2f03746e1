// Refuses requests of pods that are not injected: pods without podrole-sidecar, pods that opted out, and pods on their
// node's network, where every process of the node could reach the sidecar. The namespace's label does not count here:
// it decides which new pods are injected, and removing it must not take credentials from running ones.
import { findForeignPart, findMissingPart } from "../../injection/parts.ts";
import { allContainers } from "../../injection/shape.ts";
import { skipReasonOfPod } from "../../injection/skip-reasons.ts";
import type { Pod } from "../../kubernetes/objects.ts";
import { MAX_CONTAINERS } from "../../policy/containers.ts";
import { isPodroleContainer } from "../../policy/facts.ts";
import { type Refusal, refuse } from "../../protocol/errors.ts";

/** Returns why a whole pod, as the API returns it, does not count as injected, for a message; undefined if it does. */
export function whyUninjected(pod: Pod): string | undefined {
  const reason = skipReasonOfPod(pod);
  if (reason !== undefined) return `podrole does not inject it (${reason})`;
  const count = allContainers(pod).filter((container) => !isPodroleContainer(container)).length;
  if (count > MAX_CONTAINERS) return `it has ${count} containers, and the webhook admits at most ${MAX_CONTAINERS}`;
  return findMissingPart(pod) ?? findForeignPart(pod);
}

/** Returns POD_NOT_INJECTED. `state` is from whyUninjected(). */
export function notInjected({ namespace, name }: { namespace: string; name: string }, state: string): Refusal {
  const expected = "expected a pod that the webhook or `podrole inject` has injected";
  return refuse("POD_NOT_INJECTED", `Cannot issue credentials to pod "${namespace}/${name}": ${state}; ${expected}`);
}
