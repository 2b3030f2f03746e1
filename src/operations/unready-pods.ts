// Why the pods of a Deployment are not ready, in the words of the kubelet and the scheduler. Pure.
// (https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#container-states)
import type { Pod } from "../kubernetes/objects.ts";
import { objectAt, objectsAt } from "../runtime/json-object.ts";
import { countOf } from "./format.ts";

/** Characters of a message that are shown: it may quote a program's whole output. */
const MAX_MESSAGE_LENGTH = 300;
/** Of those, at its end: a chain of errors ends with the one that caused the others. */
const END_LENGTH = 120;

/**
 * Returns a line for each reason, with the number of pods that have it: "2 pods: ImagePullBackOff: …". Without pods, an
 * empty list.
 */
export function unreadyReasons(pods: readonly Pod[]): readonly string[] {
  const unready = pods.filter((pod) => !isPodReady(pod));
  const byReason = Map.groupBy(unready, unreadyReason);
  return Array.from(byReason, ([reason, { length }]) => `${countOf(length, "pod")}: ${reason}`);
}

/** One of the pods that are not ready, and what it waits for. */
export interface UnreadyPod {
  readonly name: string;
  /** "image": an image that cannot be pulled. "ended": a container that ends. "other": anything else. */
  readonly trouble: "image" | "ended" | "other";
  /** Of the container that waits, if its image is the trouble. */
  readonly image?: string;
}

/** Returns one of them, of the reason that most of them have; undefined if all are ready. */
export function findUnreadyPod(pods: readonly Pod[]): UnreadyPod | undefined {
  const groups = [
    ...Map.groupBy(
      pods.filter((pod) => !isPodReady(pod)),
      unreadyReason,
    ).values(),
  ];
  const [first] = groups.toSorted((a, b) => b.length - a.length)[0] ?? [];
  const name = first?.metadata.name;
  if (first === undefined || name === undefined) return undefined;
  const container = unreadyContainer(first);
  const reason = objectAt(container?.["state"], "waiting")?.["reason"];
  if (typeof reason === "string" && IMAGE_REASONS.has(reason)) {
    const image = container?.["image"];
    return { name, trouble: "image", ...(typeof image === "string" && image !== "" && { image }) };
  }
  return { name, trouble: endOfContainer(container) === undefined ? "other" : "ended" };
}

/** (https://github.com/kubernetes/kubernetes/blob/master/pkg/kubelet/images/types.go) */
const IMAGE_REASONS: ReadonlySet<string> = new Set([
  "ImagePullBackOff",
  "ErrImagePull",
  "ErrImageNeverPull",
  "InvalidImageName",
  "ImageInspectError",
  "RegistryUnavailable",
]);

function unreadyContainer({ status }: Pod): Record<string, unknown> | undefined {
  return objectsAt(status, "containerStatuses").find(({ ready }) => ready !== true);
}

function endOfContainer(container: Record<string, unknown> | undefined): Record<string, unknown> | undefined {
  return objectAt(container?.["lastState"], "terminated") ?? objectAt(container?.["state"], "terminated");
}

function isPodReady({ status }: Pod): boolean {
  return conditionsOf(status).some(({ type, status: is }) => type === "Ready" && is === "True");
}

function unreadyReason(pod: Pod): string {
  const { status } = pod;
  const container = unreadyContainer(pod);
  const waiting = objectAt(container?.["state"], "waiting");
  const ended = endOfContainer(container);
  const scheduled = conditionsOf(status).find(({ type, status: is }) => type === "PodScheduled" && is === "False");
  if (waiting === undefined && scheduled !== undefined) return stateMessage(scheduled);
  if (waiting !== undefined && ended === undefined) return stateMessage(waiting);
  if (ended !== undefined) return oneLineOf(`${stateText(waiting)}, ${endText(ended)}`);
  return container === undefined ? "no container has been started" : "it runs and is not ready";
}

function stateText(waiting: Record<string, unknown> | undefined): string {
  const reason = waiting?.["reason"];
  return typeof reason === "string" ? reason : "not ready";
}

function endText({ exitCode, message, reason }: Record<string, unknown>): string {
  const why = [message, reason].find((text) => typeof text === "string");
  const code = typeof exitCode === "number" ? exitCode : "unknown";
  return `last ended with exit code ${code}${why === undefined ? "" : `: ${why}`}`;
}

/** "ImagePullBackOff: Back-off pulling image …" */
function stateMessage({ reason, message }: Record<string, unknown>): string {
  return oneLineOf([reason, message].filter((part) => typeof part === "string").join(": "));
}

function oneLineOf(text: string): string {
  const line = text.trim().replaceAll(/\s+/g, " ");
  if (line.length <= MAX_MESSAGE_LENGTH) return line;
  return `${line.slice(0, MAX_MESSAGE_LENGTH - END_LENGTH)} ... ${line.slice(-END_LENGTH)}`;
}

function conditionsOf(status: Pod["status"]): readonly Record<string, unknown>[] {
  return objectsAt(status, "conditions");
}
