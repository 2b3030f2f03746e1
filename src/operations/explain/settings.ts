// The settings of the installed webhook and server, which decide what happens to a pod. What cannot be read is unknown,
// with the reason; no default takes its place.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import { policySettings } from "../../policy/settings-table.ts";
import { choosesNativeSidecar, planSettings } from "../../settings/plan-settings.ts";
import { type Published, readPublished } from "../check/collect/authority.ts";
import type { WebhookConfigurationObject } from "../check/facts.ts";
import { ownWebhooks } from "../check/own-webhooks.ts";
import { installationFacts } from "../installation-facts.ts";
import { type Deployment, type Installed, readInstalled } from "../installed.ts";
import { allKnown, deriveKnown, type Known, readAllowed } from "../known.ts";
import { readReplicaCount } from "../replica-count.ts";
import { readSettingsConfigMaps } from "../server-settings.ts";
import { oldestOf } from "../uninjected-cause.ts";
import type { ExplainPolicy, ExplainSettings } from "./model.ts";

/** Throws ApiError when the API server does not answer; a missing permission is reported. */
export async function readExplainSettings(kubernetes: OperatorKubernetes, namespace: string): Promise<ExplainSettings> {
  const [version, deployments, configurations] = await Promise.all([
    readAllowed(() => kubernetes.serverVersion()),
    readAllowed(() => kubernetes.listAll<Deployment>("deployments", { namespace })),
    readAllowed(() => kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations")),
  ]);
  const deployed = "value" in deployments ? deployments.value : [];
  const configMaps = await readAllowed(() => readSettingsConfigMaps(kubernetes, namespace, deployed));
  const installed = deriveKnown(allKnown({ deployments, configMaps }), (read) =>
    readInstalled(read.deployments, read.configMaps),
  );
  const programs: Partial<Installed> = "value" in installed ? installed.value : {};
  const own = deriveKnown(configurations, (all) => ownWebhooks(all, namespace));
  const registeredAt = "value" in own ? oldestOf(own.value.map(({ configuration }) => configuration)) : undefined;
  const server =
    "unknown" in deployments ? deployments : { value: await readReplicaCount(kubernetes, "server", deployments.value) };
  const published = await readPublished(kubernetes, { server: programs.server }, namespace);
  const trustBundle = "value" in published ? published.value.trustBundle : undefined;
  return {
    installation: installationFacts(deployed, programs, "value" in own ? own.value.length > 0 : undefined),
    policy: policyOf(allKnown({ installed, version }), published, namespace),
    webhooks: deriveKnown(own, (all) => all.map(({ webhook }) => webhook)),
    ...(registeredAt !== undefined && { registeredAt }),
    server,
    ...(trustBundle !== undefined && { trustBundle }),
    sources: [...new Set([...(programs.webhook?.sources ?? []), ...(programs.server?.sources ?? [])])],
    assumptions:
      "value" in installed && programs.server?.settings === undefined
        ? [`the server's settings are unknown; assumed for session names: those of the webhook`]
        : [],
  };
}

interface InstalledFacts {
  readonly installed: Installed;
  readonly version: { readonly major: number; readonly minor: number };
}

function policyOf(facts: Known<InstalledFacts>, published: Known<Published>, namespace: string): Known<ExplainPolicy> {
  if ("unknown" in facts) return facts;
  const { installed, version } = facts.value;
  const { webhook, server } = installed;
  if (webhook === undefined) {
    const state = `no Deployment in namespace "${namespace}" runs podrole's webhook`;
    return { unknown: `${state}; expected podrole's own namespace (--podrole-namespace)` };
  }
  if (webhook.settings === undefined) {
    return { unknown: `the webhook's settings cannot be used: ${webhook.problems.join("; ")}` };
  }
  const nativeSidecar = choosesNativeSidecar(webhook.settings.nativeSidecar, version);
  const support = deriveKnown(published, ({ podCertificates }) => podCertificates);
  const knowsPodCertificates = "value" in support && support.value === "on";
  // No decision depends on the bundle itself.
  const plan = planSettings(webhook.settings, { trustBundle: "", nativeSidecar, knowsPodCertificates });
  // A base ARN that the server detects cannot be read from here: the webhook's is used.
  const sessions = server?.settings ? policySettings(server.settings, plan.policy.baseArn) : plan.policy;
  const isAuto = webhook.settings.podCertificates === "auto";
  return { value: { plan, sessions, ...(isAuto && { publishedSupport: support }) } };
}
