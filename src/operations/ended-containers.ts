// Which of a pod's own containers have ended with an error, from the kubelet's words. Pure.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states)
import type { Pod } from "../kubernetes/objects.ts";
import { isPodroleContainer } from "../policy/facts.ts";
import { objectAt, objectsAt } from "../runtime/json-object.ts";

/** A container that has ended with another exit code than 0. */
export interface EndedContainer {
  readonly name: string;
  readonly exitCode: number;
}

/** Returns them in the order of the pod's status. */
export function endedContainers({ status }: Pick<Pod, "status">): readonly EndedContainer[] {
  return objectsAt(status, "containerStatuses").flatMap(({ name, state, lastState }) => {
    if (typeof name !== "string" || isPodroleContainer({ name })) return [];
    const ended = objectAt(state, "terminated") ?? objectAt(lastState, "terminated");
    const exitCode = ended?.["exitCode"];
    return typeof exitCode === "number" && exitCode !== 0 ? [{ name, exitCode }] : [];
  });
}
