// Explanations of pods in namespace "shop", with podrole installed as usual.
import { explainPod } from "../../../src/operations/explain/explanation.ts";
import type { ExplainInput, ExplainPolicy, ExplainSettings } from "../../../src/operations/explain/model.ts";
import { PLAN_SETTINGS } from "../../injection/plan-settings.ts";
import { barePod, HEALTHY_NAMESPACE, ownConfiguration } from "../check/healthy.ts";

export const POLICY: ExplainPolicy = {
  plan: PLAN_SETTINGS,
  sessions: {
    ...PLAN_SETTINGS.policy,
    sessionName: { kind: "template", template: "{cluster}-{pod}" },
    clusterName: "eu",
  },
};
const SETTINGS: ExplainSettings = {
  policy: { value: POLICY },
  webhooks: { value: ownConfiguration().webhooks ?? [] },
  server: { value: { namespace: "podrole", name: "podrole-server", ready: 2, wanted: 2 } },
  sources: ["Deployment podrole-webhook"],
  assumptions: [],
};

/** `change`: of the input; `settings`: those that differ. */
export function explained(
  change: Partial<ExplainInput> = {},
  settings: Partial<ExplainSettings> | Partial<ExplainPolicy> = {},
) {
  const input: ExplainInput = {
    kind: "Pod",
    name: "orders",
    pod: barePod(),
    exists: false,
    namespaceName: "shop",
    namespace: HEALTHY_NAMESPACE,
    serviceAccount: { metadata: { name: "default", namespace: "shop" } },
    ...change,
  };
  const policy = "plan" in settings || "sessions" in settings ? { value: { ...POLICY, ...settings } } : SETTINGS.policy;
  return explainPod(input, { ...SETTINGS, policy, ...settings });
}
