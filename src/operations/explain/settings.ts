// The settings of the installed webhook and server, which decide what happens to a pod. For settings that cannot be
// read, podrole's defaults are assumed, and the assumption is reported.

import { ApiError } from "../../kubernetes/errors.ts";
import type { ConfigMap } from "../../kubernetes/objects.ts";
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { PolicySettings } from "../../policy/decide.ts";
import { policySettings } from "../../policy/settings-table.ts";
import { readSettings } from "../../runtime/settings.ts";
import { choosesNativeSidecar, planSettings } from "../../settings/plan-settings.ts";
import { WEBHOOK_SETTINGS, type WebhookSettings } from "../../settings/webhook.ts";
import type { WebhookConfigurationObject } from "../check/facts.ts";
import { ownWebhooks } from "../check/tables/registration.ts";
import { type Deployment, type Installed, readInstalled } from "../installed.ts";
import type { ExplainSettings } from "./explanation.ts";

/**
 * Throws ApiError when the API server does not answer; a missing permission is reported, never replaced by a default.
 */
export async function readExplainSettings(kubernetes: OperatorKubernetes, namespace: string): Promise<ExplainSettings> {
  const assumptions: string[] = [];
  const missingRights: string[] = [];
  const ifPermitted = async <T>(right: string, read: () => Promise<T>, otherwise: T): Promise<T> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 403) throw error;
      missingRights.push(right);
      return otherwise;
    }
  };
  const version = await kubernetes.serverVersion();
  const deployments = await ifPermitted(
    `list deployments in namespace ${namespace}`,
    () => kubernetes.listAll<Deployment>("deployments", { namespace }),
    [],
  );
  const configMaps = await ifPermitted(
    `list configmaps in namespace ${namespace}`,
    () => kubernetes.listAll<ConfigMap>("configmaps", { namespace }),
    [],
  );
  const configurations = await ifPermitted(
    "list mutatingwebhookconfigurations",
    () => kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations"),
    [],
  );
  const installed = readInstalled(deployments, configMaps);
  const webhook = installed.webhook?.settings ?? defaultSettings();
  if (!installed.webhook?.settings && missingRights.length === 0)
    assumptions.push(missingSettings(installed, namespace));
  const nativeSidecar = choosesNativeSidecar(webhook.nativeSidecar, version);
  // No decision depends on the bundle itself.
  const plan = planSettings(webhook, { trustBundle: "", nativeSidecar });
  const sources = [...new Set([...(installed.webhook?.sources ?? []), ...(installed.server?.sources ?? [])])];
  return {
    plan,
    sessions: sessionSettings(installed, plan.policy),
    webhooks: ownWebhooks(configurations, namespace).map((own) => own.webhook),
    sources: sources.length > 0 ? sources : ["podrole's defaults"],
    assumptions,
    missingRights,
  };
}

function defaultSettings(): WebhookSettings {
  const read = readSettings(WEBHOOK_SETTINGS, {}, {});
  if (!read.ok)
    throw new Error(`Cannot read the webhook's defaults: ${read.problems.join("; ")}; expected none that is refused`);
  return read.value;
}

function missingSettings({ webhook }: Installed, namespace: string): string {
  return webhook === undefined
    ? `no Deployment in namespace "${namespace}" runs the webhook; assumed: podrole's defaults`
    : `the webhook's settings cannot be used (${webhook.problems.join("; ")}); assumed: podrole's defaults`;
}

/** A base ARN that the server detects cannot be read from here: the webhook's is used. */
function sessionSettings({ server }: Installed, policy: PolicySettings): PolicySettings {
  return server?.settings ? policySettings(server.settings, policy.baseArn) : policy;
}
