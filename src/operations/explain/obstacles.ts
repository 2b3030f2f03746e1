// What keeps a new pod from being what the webhook decides about it: no registration of the webhook, its selectors, or
// something else that refuses the pod. Pure.
import type { Plan } from "../../injection/plan.ts";
import { creationObstacle, readCreationFailure } from "../creation-failure.ts";
import type { Known } from "../known.ts";
import type { ExplainInput, ExplainSettings, Explanation } from "./model.ts";

/** podrole's webhook has no MutatingWebhookConfiguration. */
export const UNREGISTERED = "podrole's webhook is not registered";

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
  const { decision, reason, message } = planned;
  if ("value" in settings.webhooks && settings.webhooks.value.length === 0) {
    return {
      obstacle: UNREGISTERED,
      ...(decision !== "skip" && { afterwards: { condition: "it is registered", decision, reason, message } }),
    };
  }
  if (reason === "NAMESPACE_NOT_LABELLED") {
    const labelled = planLabelled();
    const condition = "the namespace has the label";
    const { decision: then, reason: code, message: text } = labelled;
    return { afterwards: { condition, decision: then, reason: code, message: text } };
  }
  const blocked = input.failure === undefined ? undefined : creationObstacle(readCreationFailure(input.failure));
  if (blocked !== undefined && decision === "inject") {
    return { obstacle: blocked.obstacle, afterwards: { condition: blocked.condition, decision, reason, message } };
  }
  if (decision === "inject" && "value" in isSent && !isSent.value) {
    return { obstacle: "the selectors of podrole's webhook configuration do not match this pod" };
  }
  return {};
}
