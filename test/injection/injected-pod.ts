// A pod as the webhook makes it, for tests of what comes after admission.
import assert from "node:assert/strict";
import { type Plan, plan } from "../../src/injection/plan.ts";
import type { ObjectMeta, Pod } from "../../src/kubernetes/objects.ts";
import { PLAN_SETTINGS } from "./plan-settings.ts";

const AROUND = {
  namespace: {
    name: "shop",
    labels: { "podrole.io/inject": "enabled" },
    annotations: { "iam.amazonaws.com/permitted": ".*" },
  },
  serviceAccountAnnotations: {},
};

/** Returns an injected pod with one container, `app`. A role is added to its annotations if there is none. */
export function injectedPod(
  metadata: ObjectMeta = { name: "web", namespace: "shop" },
  { mode = "native", serviceAccountName }: { mode?: "native" | "classic"; serviceAccountName?: string } = {},
): Pod {
  const annotations = { "iam.amazonaws.com/role": "orders", ...metadata.annotations };
  const pod: Pod = {
    metadata: { ...metadata, annotations },
    spec: { containers: [{ name: "app", image: "shop/app:1" }], ...(serviceAccountName && { serviceAccountName }) },
  };
  return structuredClone(podIn(plan({ pod, ...AROUND }, { ...PLAN_SETTINGS, nativeSidecar: mode === "native" })));
}

/** Returns the injected pod of a plan, and fails for every other decision. */
export function podIn(planned: Plan): Pod {
  return planned.decision === "inject" ? planned.pod : assert.fail(`${planned.reason}: ${planned.message}`);
}
