// Removes from the pods of manifests what injection added, and nothing else.
import { findShapeProblem } from "../../injection/shape.ts";
import { uninject } from "../../injection/uninject.ts";
import { editManifests } from "../manifests/manifests.ts";
import { type Edited, type ManifestInput, type PodSubject, readManifests } from "./inject.ts";

export interface UninjectedPod extends PodSubject {
  readonly outcome: "removed" | "not injected" | "malformed";
  /** What is malformed. */
  readonly message?: string;
}

export interface UninjectOptions {
  /** The webhook's setting; it distinguishes an injected AWS_REGION from one of the pod's own. */
  readonly region: string | undefined;
}

/** A malformed pod is left as it is. */
export function uninjectManifests(input: ManifestInput, { region }: UninjectOptions): Edited<UninjectedPod> {
  const read = readManifests(input);
  if ("problems" in read) return read;
  const pods: UninjectedPod[] = [];
  const text = editManifests(input.text, ({ kind, name, pod }) => {
    const message = findShapeProblem(pod);
    const before = message === undefined ? uninject(pod, { region }) : pod;
    if (message !== undefined) pods.push({ kind, name, outcome: "malformed", message });
    else pods.push({ kind, name, outcome: before === pod ? "not injected" : "removed" });
    return before;
  });
  return { text, pods };
}
