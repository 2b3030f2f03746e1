// How large the lists of an AdmissionReview may be, checked before anything works on them. Admission runs before the
// API server's own validation, and callers that are not the API server may send anything.
import { MAX_ANNOTATION_BYTES } from "../policy/annotations.ts";
import { MAX_CONTAINERS } from "../policy/containers.ts";
import { isObject } from "../runtime/json-object.ts";

/** The API server has no limit for their number. Each one named like podrole's own causes a warning. */
const MAX_LABELS = 1_000;
/**
 * Of all lists of the pod and of its containers together, such as variables, ports, mounts, volumes and tolerations.
 */
const MAX_ELEMENTS = 10_000;

/**
 * Returns the first list of a pod that is too large, such as "it has 2000 containers; expected …"; undefined if none.
 */
export function findSizeProblem(object: unknown): string | undefined {
  const { metadata, spec } = isObject(object) ? object : {};
  const bytes = annotationBytes(isObject(metadata) ? metadata["annotations"] : undefined);
  if (bytes > MAX_ANNOTATION_BYTES) {
    return `metadata.annotations has ${bytes} bytes; expected at most ${MAX_ANNOTATION_BYTES}, Kubernetes' own limit`;
  }
  const labels = isObject(metadata) && isObject(metadata["labels"]) ? Object.keys(metadata["labels"]).length : 0;
  if (labels > MAX_LABELS) return `the pod has ${labels} labels; expected at most ${MAX_LABELS}`;
  const { containers, initContainers } = isObject(spec) ? spec : {};
  const count = listLength(containers) + listLength(initContainers);
  if (count > MAX_CONTAINERS) return `the pod has ${count} containers; expected at most ${MAX_CONTAINERS}`;
  const parts = [metadata, spec, ...asList(containers), ...asList(initContainers)];
  const elements = parts.reduce<number>((sum, part) => sum + elementsIn(part), 0);
  if (elements > MAX_ELEMENTS) {
    return `the lists of the pod and its containers have ${elements} elements; expected at most ${MAX_ELEMENTS}`;
  }
  return undefined;
}

function annotationBytes(annotations: unknown): number {
  if (!isObject(annotations)) return 0;
  let bytes = 0;
  for (const [name, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(name) + (typeof value === "string" ? Buffer.byteLength(value) : 0);
  }
  return bytes;
}

function elementsIn(part: unknown): number {
  return isObject(part) ? Object.values(part).reduce<number>((sum, value) => sum + listLength(value), 0) : 0;
}

function asList(list: unknown): readonly unknown[] {
  return Array.isArray(list) ? list : [];
}

function listLength(list: unknown): number {
  return asList(list).length;
}
