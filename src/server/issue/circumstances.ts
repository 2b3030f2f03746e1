// What may cure a refusal of STS without changing the AssumeRole input: a new pod, or a change to an annotation of
// podrole's on the pod, its namespace or its ServiceAccount. Other annotations do not count, because controllers change
// them all the time.

import { createHash } from "node:crypto";
import { ANNOTATION_PREFIXES } from "../../policy/annotations.ts";
import { canonicalJson } from "../../runtime/canonical-json.ts";
import type { PodInContext } from "./pod-directory.ts";

/** Returns a digest of the pod's uid and of podrole's annotations on the three objects. */
export function circumstancesOf({ facts, inherited }: PodInContext): string {
  const { namespaceAnnotations, serviceAccountAnnotations } = inherited;
  const annotations = [facts.annotations, namespaceAnnotations, serviceAccountAnnotations].map(ownOnly);
  return createHash("sha256")
    .update(canonicalJson([facts.uid, annotations]))
    .digest("base64url");
}

function ownOnly(annotations: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const own = Object.entries(annotations).filter(([name]) =>
    ANNOTATION_PREFIXES.some((prefix) => name.startsWith(prefix)),
  );
  return Object.fromEntries(own);
}
