// How large the lists of an AdmissionReview may be, checked before anything works on them. Admission runs before the API
// server's own validation, and callers that are not the API server may send anything.
import { isObject } from "../injection/shape.ts";

/** In bytes of names and values, as the API server counts them: it accepts no more (TotalAnnotationSizeLimitB). */
const MOST_ANNOTATION_BYTES = 256 * 1024;
/**
 * Far more than a node can run. Each injected container grows by 600 bytes, and one decision blocks the webhook: 1000
 * containers take 0.2 s, 20 000 take 40 s.
 */
const MOST_CONTAINERS = 1_000;

/** Returns the first list of a pod that is too large, such as "it has 2000 containers; expected …"; undefined if none. */
export function findSizeProblem(object: unknown): string | undefined {
  const { metadata, spec } = isObject(object) ? object : {};
  const bytes = annotationBytes(isObject(metadata) ? metadata["annotations"] : undefined);
  if (bytes > MOST_ANNOTATION_BYTES) {
    return `metadata.annotations has ${bytes} bytes; expected at most ${MOST_ANNOTATION_BYTES}, Kubernetes' own limit`;
  }
  const { containers, initContainers } = isObject(spec) ? spec : {};
  const count = lengthOf(containers) + lengthOf(initContainers);
  if (count > MOST_CONTAINERS) return `the pod has ${count} containers; expected at most ${MOST_CONTAINERS}`;
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

function lengthOf(list: unknown): number {
  return Array.isArray(list) ? list.length : 0;
}
