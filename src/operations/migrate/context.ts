// What the judgement of a pod rests on, and what podrole makes of the pod: types, and the pod's own words.
import type { Pod } from "../../kubernetes/objects.ts";
import { valueOf } from "../../policy/annotations.ts";
import type { AssumeRoleInput } from "../../policy/decide.ts";
import type { Plan, PlanSettings } from "../../injection/plan.ts";
import type { Predecessor } from "./before.ts";
import type { Inventory } from "./inventory.ts";

export interface JudgeContext {
  readonly predecessor: Predecessor;
  readonly settings: PlanSettings;
  readonly inventory: Inventory;
}

export interface After {
  readonly plan: Plan;
  /** What STS will be told, by container; empty unless the pod is injected. */
  readonly sessions: ReadonlyMap<string, AssumeRoleInput>;
}

/** What the pod says under a key; an empty text is what it says. */
export function said({ metadata }: Pod, key: string): string | undefined {
  return valueOf(metadata.annotations ?? {}, key);
}
