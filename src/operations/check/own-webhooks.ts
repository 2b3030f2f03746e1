// podrole's webhooks among those that are registered with the API server. Pure.
import type { RegisteredWebhook, WebhookConfigurationObject } from "./facts.ts";

const WEBHOOK_NAME = "pods.podrole.io";
/** podrole's webhook in a try installation. */
export const TRY_WEBHOOK_NAME = "pods.try.podrole.io";
/** One of podrole's webhooks, and where it is registered. */
export interface OwnWebhook {
  readonly webhook: RegisteredWebhook;
  readonly configuration: WebhookConfigurationObject;
  readonly object: string;
}

/** podrole's webhooks: known by name, or by a Service in podrole's namespace. */
export function ownWebhooks(
  configurations: readonly WebhookConfigurationObject[],
  namespace: string,
): readonly OwnWebhook[] {
  return configurations.flatMap((configuration) =>
    (configuration.webhooks ?? [])
      .filter(({ name, clientConfig }) => name === WEBHOOK_NAME || clientConfig.service?.namespace === namespace)
      .map((webhook) => ({ webhook, configuration, object: describeObject(configuration) })),
  );
}

/** Returns the configurations that register a webhook of podrole, in whatever namespace podrole runs. */
export function podroleConfigurations(
  configurations: readonly WebhookConfigurationObject[],
): readonly WebhookConfigurationObject[] {
  return configurations.filter(({ webhooks = [] }) =>
    webhooks.some(({ name }) => name === WEBHOOK_NAME || name === TRY_WEBHOOK_NAME),
  );
}

/** Returns a configuration as reports name it. */
export function describeObject({ metadata }: Pick<WebhookConfigurationObject, "metadata">): string {
  return `mutatingwebhookconfiguration ${metadata.name}`;
}
