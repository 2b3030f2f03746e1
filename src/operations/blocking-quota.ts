// The ResourceQuota that keeps a workload's pods from being created, as the cluster has it now.
import type { ResourceQuota } from "../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../kubernetes/operator.ts";
import { isObject, objectAt } from "../runtime/json-object.ts";
import { readCreationFailure } from "./creation-failure.ts";
import { readKnown } from "./known.ts";
import { type BlockingQuota, requestedAmounts } from "./quota-shortage.ts";

/**
 * Returns the quota that refuses the pods by the workload's own status (`failure`), with what it permits and counts;
 * undefined if nothing says that one does, or it cannot be read. An Event does not count: its author may be a tenant.
 */
export async function readBlockingQuota(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  { namespace, failure }: { readonly namespace: string; readonly failure: string | undefined },
): Promise<BlockingQuota | undefined> {
  const refusal = failure === undefined ? undefined : readCreationFailure(failure);
  if (failure === undefined || refusal?.by !== "quota") return undefined;
  const quotas = await readKnown(() => kubernetes.listAll<ResourceQuota>("resourcequotas", { namespace }));
  const found = "value" in quotas ? quotas.value.find(({ metadata }) => metadata.name === refusal.quota) : undefined;
  if (found === undefined) return undefined;
  return {
    name: refusal.quota,
    requested: requestedAmounts(failure),
    hard: amountsAt(found["spec"], "hard"),
    used: amountsAt(found["status"], "used"),
  };
}

function amountsAt(parent: unknown, field: string): ReadonlyMap<string, string> {
  const amounts = objectAt(isObject(parent) ? parent : undefined, field) ?? {};
  return new Map(Object.entries(amounts).map(([resource, amount]) => [resource, String(amount)]));
}
