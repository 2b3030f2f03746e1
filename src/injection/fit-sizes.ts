// Requests and limits of podrole's containers that the namespace's LimitRanges and ResourceQuotas accept: a request is
// raised and a limit lowered as far as a rule demands. The API server applies the same rules after podrole, and its
// refusal names no container.
// (https://github.com/kubernetes/kubernetes/blob/v1.34.0/plugin/pkg/admission/limitranger/admission.go)
import type { Pod, ResourceRequirements } from "../kubernetes/objects.ts";
import { formatQuantity, parseQuantity } from "../kubernetes/quantity.ts";
import { MIN_SIDECAR_MEMORY, quoted } from "../policy/annotations.ts";
import { isRefusal, type Refusal, refuse } from "../protocol/errors.ts";
import { PODROLE_NAMES } from "./names.ts";
import type { NamespaceLimits, Quantities, SizeQuota, SizeRange } from "./namespace-limits.ts";
import { amountOfOthers, hasNoAmounts } from "./pod-amounts.ts";
import { matchesScopes } from "./quota-scopes.ts";
import { type PodroleResources, podLevelResources, type ResourceSettings, resourcesFor } from "./resources.ts";
import { annotatedSizes } from "./sidecar-sizes.ts";

const SIZED_RESOURCES = ["cpu", "memory"] as const;
type SizedResource = (typeof SIZED_RESOURCES)[number];

/** The smallest limits with which podrole-sidecar starts and renews. */
const SMALLEST_LIMITS: Readonly<Record<SizedResource, string>> = { cpu: "10m", memory: MIN_SIDECAR_MEMORY };

/** In nano units; undefined: none is set. */
interface Size {
  readonly request: bigint | undefined;
  readonly limit: bigint | undefined;
}

/** Sizes of podrole's containers in one pod: as settings and annotations set them, and as the namespace accepts. */
export interface PodSizes {
  readonly resources: ResourceSettings;
  readonly fitted: PodroleResources;
  /** The namespace's quotas that count the pod. */
  readonly quotas: readonly SizeQuota[];
}

/** What decides about sizes besides the pod and the settings. */
interface SizeRules {
  /** Of the namespace. */
  readonly annotations: Readonly<Record<string, string>>;
  readonly limits: NamespaceLimits;
  /** Sizes that podrole's containers have already; they stay unless an annotation or a rule demands others. */
  readonly present?: PodroleResources;
}

/** Sizes podrole's containers for the pod. ANNOTATION_INVALID, or LIMITS_CONFLICT with the container and the rule. */
export function sizePod(pod: Pod, rules: SizeRules, settings: ResourceSettings): PodSizes | Refusal {
  const resources = annotatedSizes(pod, rules.annotations, settings);
  if (isRefusal(resources)) return resources;
  const isAnnotated = resources !== settings;
  const chosen = { ...resourcesFor(pod, resources), ...(isAnnotated ? {} : rules.present) };
  const isBestEffort = hasNoAmounts(pod);
  const countedAs = (pods: { readonly isBestEffort: boolean }) =>
    rules.limits.quotas.filter(({ scopes }) => matchesScopes(pod, scopes, pods));
  // Beside sizes of podrole's the pod would be Burstable, and such a quota demands amounts of every container.
  const staysBestEffort =
    isBestEffort && !isAnnotated && countedAs({ isBestEffort: false }).length > countedAs({ isBestEffort }).length;
  const sizes = staysBestEffort ? {} : chosen;
  const quotas = countedAs({ isBestEffort: isBestEffort && !hasAmounts(sizes) });
  const fitted = fitSizes(pod, sizes, { ranges: rules.limits.ranges, quotas }, resources);
  return isRefusal(fitted) ? fitted : { resources, fitted, quotas };
}

function hasAmounts({ init, sidecar }: PodroleResources): boolean {
  return [init, sidecar].some((own) => Object.keys({ ...own?.requests, ...own?.limits }).length > 0);
}

/** Resources that the pod has for all its containers together stay out. */
function fitSizes(
  pod: Pod,
  resources: PodroleResources,
  limits: NamespaceLimits,
  settings: ResourceSettings,
): PodroleResources | Refusal {
  if (limits.ranges.length === 0 && limits.quotas.length === 0) return resources;
  const shared = podLevelResources(pod);
  const names = SIZED_RESOURCES.filter((name) => shared?.has(name) !== true);
  const fitted: { init?: ResourceRequirements; sidecar?: ResourceRequirements } = {};
  for (const part of ["sidecar", "init"] as const) {
    const own = resources[part] ?? {};
    const sizes = names.map((name) => [name, fitSize(name, sizeOf(own, name), { pod, limits, settings })] as const);
    const misfit = sizes.map(([, size]) => size).find((size) => typeof size === "string");
    if (misfit !== undefined) return refuseSizes(PODROLE_NAMES[part], misfit);
    const made = withSizes(own, sizes as readonly (readonly [SizedResource, Size])[]);
    if (Object.keys(made).length > 0) fitted[part] = made;
  }
  return fitted;
}

interface FitContext {
  readonly pod: Pod;
  readonly limits: NamespaceLimits;
  readonly settings: ResourceSettings;
}

/** Returns a size that every rule accepts, or the rule that accepts none. */
function fitSize(name: SizedResource, given: Size, context: FitContext): Size | string {
  const { pod, limits } = context;
  if (!isRuled(name, limits)) return given;
  const isExact = given.request !== undefined && given.request === given.limit;
  const least = highestMin(limits.ranges, name);
  let { request, limit } = completed(name, given, context);

  const requestCap = lowestCap(limits.ranges, name, amountOfOthers(pod, "requests", name));
  const limitCap = lowestCap(limits.ranges, name, amountOfOthers(pod, "limits", name));
  const cap = isExact ? lowerCap(limitCap, requestCap) : limitCap;
  if (limit !== undefined && limit < least.amount) limit = least.amount;
  if (limit !== undefined && cap && limit > cap.amount) {
    const needed = largestNeed([{ amount: parseQuantity(SMALLEST_LIMITS[name]) ?? 0n }, least]);
    if (cap.amount < needed.amount) return misfitOf(cap, needed, name);
    limit = cap.amount;
  }
  if (isExact || request === undefined) return { request: isExact ? limit : request, limit };

  request = largest([request, least.amount, ...ratioRequests(name, limit, context)]) ?? request;
  if (limit !== undefined && request > limit) request = limit;
  if (requestCap && request > requestCap.amount) {
    const needed = largestNeed([{ amount: unitOf(name) }, least]);
    if (requestCap.amount < needed.amount) return misfitOf(requestCap, needed, name);
    request = requestCap.amount;
  }
  return wholeSize(name, request, limit);
}

function wholeSize(name: SizedResource, request: bigint, limit: bigint | undefined): Size {
  const whole = roundedUp(request, name);
  return { request: limit !== undefined && whole > limit ? limit : whole, limit };
}

function misfitOf({ rule }: Cap, { amount, rule: reason }: Need, name: SizedResource): string {
  const because = reason === undefined ? "" : `, ${reason}`;
  return `${rule}; expected at least ${formatQuantity(roundedUp(amount, name), name)}${because}`;
}

/** To whole millicores or bytes, as formatQuantity() writes them. */
function roundedUp(amount: bigint, name: SizedResource): bigint {
  const unit = unitOf(name);
  return ((amount + unit - 1n) / unit) * unit;
}

/** A millicore or a byte. */
function unitOf(name: SizedResource): bigint {
  return name === "cpu" ? 1_000_000n : 1_000_000_000n;
}

function isRuled(name: SizedResource, { ranges, quotas }: NamespaceLimits): boolean {
  const inRange = ({ min, max, default: preset, maxLimitRequestRatio: ratio }: SizeRange) =>
    [min, max, preset, ratio].some((rule) => name in rule);
  return ranges.some(inRange) || quotas.some(({ hard }) => Object.keys(hard).some((key) => key.endsWith(name)));
}

/** The requests with which the limit keeps each rule's ratio of limit to request. */
function ratioRequests(name: SizedResource, limit: bigint | undefined, { pod, limits }: FitContext): readonly bigint[] {
  if (limit === undefined) return [];
  return limits.ranges.map(({ type, maxLimitRequestRatio }) => {
    const others = (kind: "requests" | "limits") => (type === "Pod" ? amountOfOthers(pod, kind, name) : 0n);
    return requestForRatio(limit + others("limits"), maxLimitRequestRatio[name]) - others("requests");
  });
}

/** Adds the request and the limit that a rule demands. */
function completed(name: SizedResource, { request, limit }: Size, { limits, settings }: FitContext): Size {
  const { ranges, quotas } = limits;
  const isDemanded = (...keys: readonly string[]) => quotas.some(({ hard }) => keys.some((key) => key in hard));
  const hasRule = (rule: "min" | "max" | "maxLimitRequestRatio") =>
    ranges.some((range) => range.type === "Container" && name in range[rule]);
  // The API server adds the default, and then judges it.
  const preset = smallest(ranges.map((range) => amountIn(range.default, name)));
  const [usual, usualRequest] = (
    name === "cpu" ? [settings.cpuLimit, settings.cpuRequest] : [settings.memoryLimit, settings.memoryRequest]
  ).map(parseQuantity);
  const floor = parseQuantity(SMALLEST_LIMITS[name]) ?? 0n;
  const needsLimit = isDemanded(`limits.${name}`) || hasRule("max") || hasRule("maxLimitRequestRatio");
  const ownLimit = limit ?? preset ?? (needsLimit ? (usual ?? largest([request, floor])) : undefined);
  const needsRequest =
    isDemanded(name, `requests.${name}`) || hasRule("min") || hasRule("maxLimitRequestRatio") || ownLimit !== undefined;
  return { request: request ?? (needsRequest ? (usualRequest ?? floor) : undefined), limit: ownLimit };
}

/** The least that podrole's container must have, and the rule that demands it; absent: podrole itself. */
interface Need {
  readonly amount: bigint;
  readonly rule?: string;
}

function highestMin(ranges: readonly SizeRange[], name: SizedResource): Need {
  const ofContainers = ranges.filter(({ type }) => type === "Container");
  return largestNeed(
    ofContainers.map(({ name: range, min }) => ({
      amount: amountIn(min, name) ?? 0n,
      rule: `the min of LimitRange ${quoted(range)}`,
    })),
  );
}

/** Of equal ones, the first. */
function largestNeed(needs: readonly Need[]): Need {
  return needs.reduce((most, need) => (need.amount > most.amount ? need : most), { amount: 0n });
}

interface Cap {
  readonly amount: bigint;
  readonly rule: string;
}

/** The least that a rule leaves for podrole's container; undefined if none limits it. `others`: of the pod's others. */
function lowestCap(ranges: readonly SizeRange[], name: SizedResource, others: bigint): Cap | undefined {
  const caps = ranges.flatMap(({ name: range, type, max }): Cap[] => {
    const most = amountIn(max, name);
    if (most === undefined) return [];
    const rule = `LimitRange ${quoted(range)} allows a ${type.toLowerCase()} at most ${max[name]} of ${name}`;
    if (type === "Container") return [{ amount: most, rule }];
    return [{ amount: most - others, rule: `${rule}, and its other containers have ${formatQuantity(others, name)}` }];
  });
  return caps.toSorted((a, b) => (a.amount < b.amount ? -1 : 1))[0];
}

function lowerCap(one: Cap | undefined, other: Cap | undefined): Cap | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return other.amount < one.amount ? other : one;
}

/** The smallest request with which the limit keeps the ratio. */
function requestForRatio(limit: bigint, ratio: string | undefined): bigint {
  const nanos = parseQuantity(ratio);
  if (nanos === undefined || nanos <= 0n) return 0n;
  const ONE = 1_000_000_000n;
  return (limit * ONE + nanos - 1n) / nanos;
}

function refuseSizes(container: string, rule: string): Refusal {
  return refuse("LIMITS_CONFLICT", `Cannot size container ${quoted(container)}: ${rule}`);
}

function sizeOf({ requests, limits }: ResourceRequirements, name: SizedResource): Size {
  return { request: parseQuantity(requests?.[name]), limit: parseQuantity(limits?.[name]) };
}

/** Keeps the text of every amount that does not change, and what is neither CPU nor memory. */
function withSizes(
  own: ResourceRequirements,
  sizes: readonly (readonly [SizedResource, Size])[],
): ResourceRequirements {
  const { requests: _requests, limits: _limits, ...others } = own;
  const quantities = (kind: "requests" | "limits") => {
    const amounts: Record<string, string> = { ...own[kind] };
    for (const [name, size] of sizes) {
      const amount = kind === "requests" ? size.request : size.limit;
      if (amount === undefined) delete amounts[name];
      else if (parseQuantity(amounts[name]) !== amount) amounts[name] = formatQuantity(amount, name);
    }
    return Object.keys(amounts).length > 0 ? { [kind]: amounts } : {};
  };
  return { ...others, ...quantities("requests"), ...quantities("limits") };
}

function amountIn(quantities: Quantities, name: SizedResource): bigint | undefined {
  return parseQuantity(quantities[name]);
}

function largest(amounts: readonly (bigint | undefined)[]): bigint | undefined {
  return amounts
    .filter((amount) => amount !== undefined)
    .reduce<bigint | undefined>((most, amount) => (most === undefined || amount > most ? amount : most), undefined);
}

function smallest(amounts: readonly (bigint | undefined)[]): bigint | undefined {
  return amounts
    .filter((amount) => amount !== undefined)
    .reduce<bigint | undefined>((least, amount) => (least === undefined || amount < least ? amount : least), undefined);
}
