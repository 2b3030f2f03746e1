// The parts of a MutatingWebhookConfiguration that podrole reads: which CA the API server accepts for each webhook.
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook)
import type { WebhookConfiguration } from "./api.ts";
import type { ObjectMeta } from "./objects.ts";

/** The parts of a MutatingWebhookConfiguration that podrole reads. */
export interface WebhookConfigurationBody {
  readonly metadata: ObjectMeta;
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

/** Returns the webhooks with their `caBundle` decoded to PEM. */
export function readWebhookConfiguration({ metadata, webhooks = [] }: WebhookConfigurationBody): WebhookConfiguration {
  return {
    resourceVersion: metadata.resourceVersion ?? "",
    webhooks: webhooks.map(({ name, clientConfig: { caBundle } }) => ({
      name,
      ...(caBundle !== undefined && { caBundle: Buffer.from(caBundle, "base64").toString() }),
    })),
  };
}
