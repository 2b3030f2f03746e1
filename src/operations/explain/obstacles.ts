// What keeps a new pod from being what the webhook decides about it: no registration of the webhook, its selectors, or
// something else that refuses the pod. Pure.
import type { Plan } from "../../injection/plan.ts";
import { creationObstacle, readCreationFailure } from "../creation-failure.ts";
import type { Known } from "../known.ts";
import { UNREGISTERED } from "../uninjected-cause.ts";
import type { ExplainInput, ExplainSettings, Explanation } from "./model.ts";

/** What the obstacle follows from. */
export interface ObstacleInput {
  readonly input: ExplainInput;
  readonly settings: ExplainSettings;
  readonly planned: Pick<Plan, "decision" | "reason" | "message">;
  /** Whether the API server calls the webhook for the pod. */
  readonly isSent: Known<boolean>;
  /** What the webhook would decide if the namespace had the label. */
  readonly planLabelled: () => Plan;
}

/** Returns the obstacle, and what follows once it is gone; empty if nothing keeps the decision from taking effect. */
export function findObstacle({
  input,
  settings,
  planned,
  isSent,
  planLabelled,
}: ObstacleInput): Pick<Explanation, "obstacle" | "afterwards"> {
  const { decision, reason } = planned;
  if (hasNoWebhook(settings)) {
    return {
      obstacle: UNREGISTERED,
      ...(decision !== "skip" && { afterwards: afterwardsOf("it is registered", planned) }),
    };
  }
  if (reason === "NAMESPACE_NOT_LABELLED") {
    return { afterwards: afterwardsOf("the namespace has the label", planLabelled()) };
  }
  if (decision !== "inject") return {};
  const blocked = input.failure === undefined ? undefined : creationObstacle(readCreationFailure(input.failure));
  if (blocked !== undefined) {
    return { obstacle: blocked.obstacle, afterwards: afterwardsOf(blocked.condition, planned) };
  }
  if ("value" in isSent && !isSent.value) {
    return { obstacle: "the selectors of podrole's webhook configuration do not match this pod" };
  }
  return {};
}

function afterwardsOf(
  condition: string,
  { decision, reason, message }: ObstacleInput["planned"],
): NonNullable<Explanation["afterwards"]> {
  return { condition, decision, reason, message };
}

/** True if it is known that no MutatingWebhookConfiguration has podrole's webhook. */
export function hasNoWebhook({ webhooks }: Pick<ExplainSettings, "webhooks">): boolean {
  return "value" in webhooks && webhooks.value.length === 0;
}
