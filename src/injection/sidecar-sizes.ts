// Requests and limits of podrole's containers as the pod or its namespace wants them, in place of the settings: the
// annotations podrole.io/sidecar-{cpu,memory}-{request,limit}. The pod's annotation takes precedence.
import type { Pod } from "../kubernetes/objects.ts";
import { parseQuantity } from "../kubernetes/quantity.ts";
import { ANNOTATIONS, MIN_SIDECAR_MEMORY, quoted, valueOf } from "../policy/annotations.ts";
import { type Refusal, refuse } from "../protocol/errors.ts";
import type { ResourceSettings } from "./resources.ts";

type SizeKey = "cpuRequest" | "cpuLimit" | "memoryRequest" | "memoryLimit";

const SIZE_ANNOTATIONS: Readonly<Record<SizeKey, string>> = {
  cpuRequest: ANNOTATIONS.sidecarCpuRequest,
  cpuLimit: ANNOTATIONS.sidecarCpuLimit,
  memoryRequest: ANNOTATIONS.sidecarMemoryRequest,
  memoryLimit: ANNOTATIONS.sidecarMemoryLimit,
};

/** The value that removes a request or limit. */
const NO_SIZE = "none";

type SizeDraft = { -readonly [Key in keyof ResourceSettings]: ResourceSettings[Key] };

/**
 * Returns the settings with what the annotations of the pod and of its namespace set; ANNOTATION_INVALID for a value
 * that cannot be used.
 */
export function annotatedSizes(
  { metadata }: Pick<Pod, "metadata">,
  namespaceAnnotations: Readonly<Record<string, string>>,
  settings: ResourceSettings,
): ResourceSettings | Refusal {
  const sizes: SizeDraft = { ...settings };
  const annotated = new Set<SizeKey>();
  for (const [key, name] of Object.entries(SIZE_ANNOTATIONS) as [SizeKey, string][]) {
    const ofPod = valueOf(metadata.annotations ?? {}, name);
    const value = ofPod ?? valueOf(namespaceAnnotations, name);
    if (value === undefined) continue;
    const owner = ofPod === undefined ? `${name} of the namespace` : name;
    const invalid = refuseSize(owner, key, value);
    if (invalid) return invalid;
    annotated.add(key);
    sizes[key] = value === NO_SIZE ? undefined : value;
  }
  if (annotated.size === 0) return settings;
  // In a Guaranteed pod the request equals the limit, and neither can be missing.
  const annotatedOnly = (key: "cpuLimit" | "cpuRequest") => (annotated.has(key) ? sizes[key] : undefined);
  sizes.guaranteedSidecarCpu = annotatedOnly("cpuLimit") ?? annotatedOnly("cpuRequest") ?? sizes.guaranteedSidecarCpu;
  if (annotated.has("cpuLimit")) sizes.alwaysLimitsCpu = true;
  return (
    fitRequest("cpuRequest", "cpuLimit", sizes, annotated) ??
    fitRequest("memoryRequest", "memoryLimit", sizes, annotated) ??
    sizes
  );
}

function refuseSize(owner: string, key: SizeKey, value: string): Refusal | undefined {
  if (value === NO_SIZE) return undefined;
  const amount = /^\d/.test(value) ? parseQuantity(value) : undefined;
  const least = key === "memoryLimit" ? MIN_SIDECAR_MEMORY : undefined;
  const isEnough = amount !== undefined && amount > 0n && amount >= (parseQuantity(least) ?? 0n);
  if (isEnough) return undefined;
  const expected = `a quantity ${least === undefined ? "above 0" : `of at least ${least}`}, or "${NO_SIZE}"`;
  return refuse("ANNOTATION_INVALID", `Cannot use ${owner}: it is ${quoted(value)}; expected ${expected}`);
}

/** Lowers a request of the settings to the limit; refuses an annotation's. */
function fitRequest(
  request: "cpuRequest" | "memoryRequest",
  limit: "cpuLimit" | "memoryLimit",
  sizes: SizeDraft,
  annotated: ReadonlySet<SizeKey>,
): Refusal | undefined {
  const [requested, limited] = [parseQuantity(sizes[request]), parseQuantity(sizes[limit])];
  // Without its own annotation the CPU limit is set only in some pods, and is then at least the request.
  if (requested === undefined || limited === undefined || requested <= limited) return undefined;
  if (!annotated.has(request)) {
    sizes[request] = sizes[limit];
    return undefined;
  }
  const state = `it is ${quoted(sizes[request] ?? "")}, above the limit ${quoted(sizes[limit] ?? "")}`;
  const expected = `expected at most the limit, or a higher ${SIZE_ANNOTATIONS[limit]}`;
  return refuse("ANNOTATION_INVALID", `Cannot use ${SIZE_ANNOTATIONS[request]}: ${state}; ${expected}`);
}
