// What podrole-sidecar adds to the pods of a workload that a ResourceQuota refuses, as the webhook sizes it.
import { sizePod } from "../injection/fit-sizes.ts";
import { amountOfOthers } from "../injection/pod-amounts.ts";
import { applyRangeDefaults } from "../injection/range-defaults.ts";
import type { ResourceSettings } from "../injection/resources.ts";
import { readPod } from "../injection/shape.ts";
import type { Pod, ResourceRequirements } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { parseQuantity } from "../kubernetes/quantity.ts";
import { isRefusal } from "../protocol/errors.ts";
import { readNamespaceLimits } from "./explain/surroundings.ts";
import { readKnown } from "./known.ts";
import type { BlockingQuota } from "./quota-shortage.ts";

/** What decides about the sizes of a workload's podrole-sidecar. */
export interface SharedQuota {
  readonly namespace: string;
  /** Of the namespace. */
  readonly annotations: Readonly<Record<string, string>>;
  /** The workload's pod template, in any form. */
  readonly template: unknown;
  readonly quota: Pick<BlockingQuota, "requested">;
}

/**
 * Returns requests and limits of podrole-sidecar, as far as they are a part of what the API server says that a pod
 * requests: whether the pod is injected at all may depend on more than its template. Does not throw ApiError.
 */
export async function readSidecarShare(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  { namespace, annotations, template, quota }: SharedQuota,
  sizes: ResourceSettings | undefined,
): Promise<ResourceRequirements | undefined> {
  const read = readPod(template);
  if (sizes === undefined || !read.ok) return undefined;
  const found = await readKnown(() => readNamespaceLimits(kubernetes, namespace, []));
  const limits = "value" in found && "value" in found.value ? found.value.value : undefined;
  if (limits === undefined) return undefined;
  const pod = applyRangeDefaults(read.value, limits.ranges);
  const sized = sizePod(pod, { annotations, limits }, sizes);
  const { requests = {}, limits: most = {} } = isRefusal(sized) ? {} : (sized.fitted.sidecar ?? {});
  const within = (kind: "requests" | "limits", amounts: Readonly<Record<string, string>>) =>
    Object.fromEntries(
      Object.entries(amounts).filter(([name, amount]) => isPartOf(pod, quota.requested, { kind, name, amount })),
    );
  return { requests: within("requests", requests), limits: within("limits", most) };
}

interface SidecarAmount {
  readonly kind: "requests" | "limits";
  readonly name: string;
  readonly amount: string;
}

/** Whether the pod requests so much beside its own containers. */
function isPartOf(pod: Pod, requested: BlockingQuota["requested"], { kind, name, amount }: SidecarAmount): boolean {
  const total = requested.get(`${kind}.${name}`) ?? (kind === "requests" ? requested.get(name) : undefined);
  const [whole, share] = [parseQuantity(total), parseQuantity(amount)];
  return whole !== undefined && share !== undefined && whole - amountOfOthers(pod, kind, name) >= share;
}
