// Removes from the pods of manifests what injection added, and nothing else.

import { findShapeProblem } from "../../injection/shape.ts";
import { uninject } from "../../injection/uninject.ts";
import type { UninjectOptions } from "../../injection/uninject-env.ts";
import { type Checked, success } from "../../runtime/result.ts";
import { editManifests } from "../manifests/edit-pods.ts";
import type { NamedText } from "../manifests/parse-objects.ts";
import { type EditedManifests, objectsOf, type PodSubject } from "./inject.ts";

/** A pod, and what was removed from it. */
export interface UninjectedPod extends PodSubject {
  readonly outcome: "removed" | "not injected" | "malformed";
  /** What is malformed. */
  readonly message?: string;
}

/** Removes podrole from every pod; a malformed pod is left as it is. The problems are those of the input. */
export function uninjectManifests(input: NamedText, options: UninjectOptions): Checked<EditedManifests<UninjectedPod>> {
  const read = objectsOf(input);
  if (!read.ok) return read;
  const pods: UninjectedPod[] = [];
  const text = editManifests(input.text, ({ kind, name, pod }) => {
    const message = findShapeProblem(pod);
    const before = message === undefined ? uninject(pod, options) : pod;
    if (message !== undefined) pods.push({ kind, name, outcome: "malformed", message });
    else pods.push({ kind, name, outcome: before === pod ? "not injected" : "removed" });
    return before;
  });
  return success({ text, pods });
}
