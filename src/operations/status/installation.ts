// podrole's installation as podrole status shows it: the replicas of both programs, and whether the API server calls
// the webhook.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { ServerSettings } from "../../settings/server.ts";
import type { WebhookConfigurationObject } from "../check/facts.ts";
import { ownWebhooks } from "../check/own-webhooks.ts";
import { installationFacts } from "../installation-facts.ts";
import { type Deployment, type Installed, readInstalled } from "../installed.ts";
import { type Known, readKnown } from "../known.ts";
import { readReplicaCount } from "../replica-count.ts";
import { readSettingsConfigMaps } from "../server-settings.ts";
import { oldestOf } from "../uninjected-cause.ts";
import type { InstallationState, UnknownPart } from "./model.ts";

/** What was read, with what is unknown of it. */
export interface ReadInstallation {
  readonly state: InstallationState;
  /** The server's; undefined if they may not be read, or cannot be used. */
  readonly settings: ServerSettings | undefined;
  readonly webhooks: Known<readonly WebhookConfigurationObject[]>;
  /** When the oldest configuration of podrole's webhook was created, RFC 3339; undefined if unknown. */
  readonly registeredAt: string | undefined;
  readonly unknown: readonly UnknownPart[];
}

/** Does not throw ApiError. `namespace`: podrole's own. */
export async function readInstallationState(
  kubernetes: Pick<OperatorKubernetes, "listAll" | "getConfigMap">,
  namespace: string,
): Promise<ReadInstallation> {
  const [deployments, webhooks] = await Promise.all([
    readKnown(() => kubernetes.listAll<Deployment>("deployments", { namespace })),
    readKnown(() => kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations")),
  ]);
  const list = "value" in deployments ? deployments.value : [];
  const [server, webhook, configMaps] = await Promise.all([
    readReplicaCount(kubernetes, "server", list),
    readReplicaCount(kubernetes, "webhook", list),
    readKnown(() => readSettingsConfigMaps(kubernetes, namespace, list)),
  ]);
  const own = "value" in webhooks ? ownWebhooks(webhooks.value, namespace) : undefined;
  const isRegistered = own && own.length > 0;
  const isAbsent = "value" in deployments && !server && !webhook && isRegistered === false;
  const installed: Partial<Installed> = "value" in configMaps ? readInstalled(list, configMaps.value) : {};
  return {
    state: {
      namespace,
      ...(server && { server }),
      ...(webhook && { webhook }),
      ...(isRegistered !== undefined && { isRegistered }),
      isAbsent,
      facts: installationFacts(list, installed, isRegistered),
    },
    settings: installed.server?.settings,
    webhooks,
    registeredAt: own && oldestOf(own.map(({ configuration }) => configuration)),
    unknown: [
      ...unknownPart("the replicas of server and webhook", deployments),
      ...unknownPart("whether the webhook is registered", webhooks),
    ],
  };
}

/** Names a part that could not be read; nothing for a fact that is known. */
export function unknownPart(what: string, fact: Known<unknown>): readonly UnknownPart[] {
  return "unknown" in fact ? [{ what, why: fact.unknown, needs: fact.needs ?? [] }] : [];
}
