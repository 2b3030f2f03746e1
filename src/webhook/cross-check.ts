// Settings of the webhook that are fine alone and wrong together, or that policy cannot use: found at start, all at once.
import { policyProblems } from "../policy/settings.ts";
import { policySettings } from "../policy/settings-table.ts";
import type { WebhookSettings } from "./settings.ts";

/** One text for each problem, beginning with its flag; empty when there is none. */
export function crossCheck(settings: WebhookSettings): readonly string[] {
  return policyProblems(policySettings(settings));
}
