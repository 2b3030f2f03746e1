// A MutatingWebhookConfiguration as podrole sees it: whom the API server trusts at each webhook.
// (https://kubernetes.io/docs/reference/access-authn-authz/extensible-admission-controllers/#contacting-the-webhook)
import type { WebhookConfiguration } from "./api.ts";
import type { ObjectMeta } from "./objects.ts";

export interface WebhookConfigurationBody {
  readonly metadata: ObjectMeta;
  readonly webhooks?: readonly { readonly name: string; readonly clientConfig: { readonly caBundle?: string } }[];
}

export function readWebhookConfiguration({ metadata, webhooks = [] }: WebhookConfigurationBody): WebhookConfiguration {
  return {
    resourceVersion: metadata.resourceVersion ?? "",
    webhooks: webhooks.map(({ name, clientConfig: { caBundle } }) => ({
      name,
      ...(caBundle !== undefined && { caBundle: Buffer.from(caBundle, "base64").toString() }),
    })),
  };
}
