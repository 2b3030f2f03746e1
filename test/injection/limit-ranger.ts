// The API server's LimitRanger on CPU and memory: it adds defaults, and then judges the pod.
// (https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/admission/limitranger/admission.go)
import type { Quantities, SizeRange } from "../../src/injection/namespace-limits.ts";
import type { Container, Pod } from "../../src/kubernetes/objects.ts";
import { parseQuantity } from "../../src/kubernetes/quantity.ts";

interface Amounts {
  readonly request: bigint | undefined;
  readonly limit: bigint | undefined;
}

/** Returns what LimitRanger says against the pod; empty if it admits it. */
export function limitRangerProblems({ spec }: Pod, ranges: readonly SizeRange[]): readonly string[] {
  const all = [...(spec.initContainers ?? []), ...spec.containers];
  return ["cpu", "memory"].flatMap((name) => {
    const amountsOf = (container: Container) => withDefaults(container, name, ranges);
    const ofContainers = all.flatMap((container) =>
      ranges
        .filter(({ type }) => type === "Container")
        .flatMap((range) => judgeAmounts(`container ${container.name}`, name, amountsOf(container), range)),
    );
    const together = (kind: keyof Amounts): bigint | undefined => {
      const set = all.some((container) => amountsOf(container)[kind] !== undefined);
      return set ? sumOf(spec, (container) => amountsOf(container)[kind] ?? 0n) : undefined;
    };
    const pod = { request: together("request"), limit: together("limit") };
    const ofPod = ranges.filter(({ type }) => type === "Pod").flatMap((range) => judgeAmounts("pod", name, pod, range));
    return ofContainers.concat(ofPod);
  });
}

/** Returns the pod with the requests and limits that LimitRanger adds to its containers. */
export function withRangeDefaults({ metadata, spec }: Pod, ranges: readonly SizeRange[]): Pod {
  const sized = (container: Container): Container => {
    const amounts = ["cpu", "memory"].map((name) => [name, withDefaults(container, name, ranges)] as const);
    const quantities = (kind: keyof Amounts) =>
      Object.fromEntries(
        amounts.flatMap(([name, amount]) => (amount[kind] === undefined ? [] : [[name, `${amount[kind]}n`]])),
      );
    return { ...container, resources: { requests: quantities("request"), limits: quantities("limit") } };
  };
  return { metadata, spec: { ...spec, containers: spec.containers.map(sized) } };
}

/** The request that Kubernetes sets to the limit, and the limit that a LimitRange sets. */
function withDefaults({ resources }: Container, name: string, ranges: readonly SizeRange[]): Amounts {
  const own = parseQuantity(resources?.limits?.[name]);
  const preset = ranges.map((range) => parseQuantity(range.default[name])).find((amount) => amount !== undefined);
  const limit = own ?? preset;
  // Kubernetes fills defaultRequest of a LimitRange from its default and its min.
  const least = ranges.map((range) => parseQuantity(range.min[name])).find((amount) => amount !== undefined);
  return { request: parseQuantity(resources?.requests?.[name]) ?? own ?? preset ?? least, limit };
}

function sumOf({ containers, initContainers = [] }: Pod["spec"], amountOf: (container: Container) => bigint): bigint {
  let [sidecars, peak] = [0n, 0n];
  for (const init of initContainers) {
    if (init.restartPolicy === "Always") sidecars += amountOf(init);
    const now = init.restartPolicy === "Always" ? sidecars : sidecars + amountOf(init);
    if (now > peak) peak = now;
  }
  const running = containers.reduce((sum, each) => sum + amountOf(each), sidecars);
  return running > peak ? running : peak;
}

function judgeAmounts(
  what: string,
  name: string,
  { request, limit }: Amounts,
  { min, max, maxLimitRequestRatio }: SizeRange,
): readonly string[] {
  const [least, most, ratio] = [min, max, maxLimitRequestRatio].map((rule: Quantities) => parseQuantity(rule[name]));
  const problems: string[] = [];
  if (least !== undefined && (request === undefined || request < least))
    problems.push(`${what}: ${name} request < min`);
  if (least !== undefined && limit !== undefined && limit < least) problems.push(`${what}: ${name} limit < min`);
  if (most !== undefined && (limit === undefined || limit > most)) problems.push(`${what}: ${name} limit > max`);
  if (most !== undefined && request !== undefined && request > most) problems.push(`${what}: ${name} request > max`);
  if (ratio !== undefined && !(limit && request && limit * 1_000_000_000n <= ratio * request))
    problems.push(`${what}: ${name} ratio`);
  return problems;
}
