// podrole's installation as podrole status shows it: the replicas of both programs, and whether the API server calls
// the webhook.
import type { OperatorKubernetes } from "../../kubernetes/operator.ts";
import type { WebhookConfigurationObject } from "../check/facts.ts";
import { ownWebhooks } from "../check/tables/registration.ts";
import type { Deployment } from "../installed.ts";
import { type Known, readKnown } from "../known.ts";
import { readReplicaCount } from "../replica-count.ts";
import { oldestOf } from "../uninjected-cause.ts";
import type { InstallationState, UnknownPart } from "./model.ts";

/** What was read, with what is unknown of it. */
export interface ReadInstallation {
  readonly state: InstallationState;
  readonly webhooks: Known<readonly WebhookConfigurationObject[]>;
  /** When the oldest configuration of podrole's webhook was created, RFC 3339; undefined if unknown. */
  readonly registeredAt: string | undefined;
  readonly unknown: readonly UnknownPart[];
}

/** Does not throw ApiError. `namespace`: podrole's own. */
export async function readInstallationState(
  kubernetes: Pick<OperatorKubernetes, "listAll">,
  namespace: string,
): Promise<ReadInstallation> {
  const deployments = await readKnown(() => kubernetes.listAll<Deployment>("deployments", { namespace }));
  const webhooks = await readKnown(() =>
    kubernetes.listAll<WebhookConfigurationObject>("mutatingwebhookconfigurations"),
  );
  const list = "value" in deployments ? deployments.value : [];
  const [server, webhook] = await Promise.all([
    readReplicaCount(kubernetes, "server", list),
    readReplicaCount(kubernetes, "webhook", list),
  ]);
  const own = "value" in webhooks ? ownWebhooks(webhooks.value, namespace) : undefined;
  const isRegistered = own && own.length > 0;
  const isAbsent = "value" in deployments && !server && !webhook && isRegistered === false;
  return {
    state: {
      namespace,
      ...(server && { server }),
      ...(webhook && { webhook }),
      ...(isRegistered !== undefined && { isRegistered }),
      isAbsent,
    },
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
